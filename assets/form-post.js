// Sends the form of this page at once. By itself and in words of 1999, so that browsers too old for the other script send it, too.
// A field may be called "submit": what the form can do is asked of its kind, not of the form.
HTMLFormElement.prototype.submit.call(document.getElementById("form-post"));
