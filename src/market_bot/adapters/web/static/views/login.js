// The way in: the one-time link that the bot printed, or a password.

import { button, el, field, say } from "../dom.js";

export function showForm(root, withPassword, problem, enter) {
  const input = el("input", withPassword
    ? { type: "password", autocomplete: "current-password", required: true, maxlength: 400 }
    : { type: "text", autocomplete: "off", required: true, maxlength: 200, spellcheck: "false" });
  const trouble = el("p", { class: "alert bad", role: "alert", hidden: !problem }, problem ?? "");
  const submit = button("Log in", undefined, "primary", { type: "submit" });
  const form = el("form", { class: "login card" },
    el("h1", {}, "Who is there?"),
    el("p", { class: "soft" }, withPassword ? "The password of this dashboard, please." : "Open the link that the bot printed when it started, or paste it here. It works once; ",
      withPassword ? null : el("code", {}, "market-bot web link"), withPassword ? null : " prints another."),
    trouble, field(withPassword ? "Password" : "One-time link", input), submit);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    const given = input.value.trim();
    try {
      await enter(withPassword ? { password: given } : { code: given.split("login=").pop() });
    } catch (error) {
      trouble.hidden = false;
      say(trouble, error.message);
      submit.disabled = false;
      input.select();
    }
  });
  root.replaceChildren(form);
  input.focus();
}
