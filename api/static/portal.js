// What makes pages kinder where scripts run; every page is complete without.

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
});
// Back from another page, the form may be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

// What is folded is printed too.
window.addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details")) folded.open = true;
});

// A session about to end says so in time, and can be kept open from where one is.
const session = document.querySelector("[data-session-left]");
if (session) {
  const warning = document.getElementById("session-warning");
  const opened = Date.now();
  const left = Number(session.dataset.sessionLeft) * 1000;
  const before = Number(session.dataset.warnBefore) * 1000;
  const look = () => {
    const remaining = left - (Date.now() - opened);
    if (remaining > before) {
      setTimeout(look, Math.min(remaining - before, 60000));
    } else if (remaining > 0) {
      warning.hidden = false;
      setTimeout(look, remaining);
    } else {
      document.getElementById("session-over").hidden = false;
      warning.hidden = true;
    }
  };
  look();
}
