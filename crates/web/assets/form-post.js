// OAuth 2.0 Form Post Response Mode: sends the only form of the page. Without script its button does.
document.forms[0].requestSubmit();
