//! What the issuer is asked for a browser.

use http::{Request, Response, header};
use url::form_urlencoded;

use super::{
    visit::{Failed, Visit, unavailable},
    way::OnBehalf,
};

impl Visit<'_> {
    /// Posts a form to an endpoint of the issuer, with the proof that it is ours.
    pub(super) async fn ask(
        self,
        endpoint: &str,
        form: Vec<(&'static str, String)>,
    ) -> Result<Response<Vec<u8>>, Failed> {
        let way = &self.desk.way;
        let proven = (way.authenticate)(endpoint, self.now).ok_or_else(unavailable)?;
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .extend_pairs(proven.form)
            .finish();
        let mut request = Request::post(endpoint)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .body(form.into_bytes())
            .map_err(|_| unavailable())?;
        request.headers_mut().extend(proven.headers);
        request.extensions_mut().insert(OnBehalf(self.origin.address));
        way.http.send(request).await.map_err(|error| {
            tracing::warn!(issuer = way.issuer, %error, "the issuer cannot be asked");
            unavailable()
        })
    }
}
