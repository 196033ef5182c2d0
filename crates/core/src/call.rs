pub struct Call;
