// Sends the form of this page at once. By itself and in words of 1999, so that browsers too old for the other script send it, too.
function send() {
  // A field may be called "submit": what the form can do is asked of its kind, not of the form.
  HTMLFormElement.prototype.submit.call(document.getElementById("form-post"));
}

// Old HtmlUnit runs scripts that are to wait for the page at once, before there is a form.
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", send);
else send();
