"use strict";
(() => {
  const form = document.querySelector(".filter");
  const promises = [...document.querySelectorAll(".promise")].map((element) => ({
    element,
    cases: [...element.querySelectorAll(".case")],
    words: [element.querySelector("summary"), element.querySelector(".sources")]
      .map((part) => part.textContent.toLowerCase()).join(" "),
  }));
  const boxes = [...form.querySelectorAll("input[type=checkbox]")];
  const search = form.querySelector("input[type=search]");
  const show = () => {
    const wanted = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    const text = search.value.trim().toLowerCase();
    const fits = (element, words) => wanted.has(element.dataset.verdict) && words.includes(text);
    let count = 0;
    promises.forEach(({element, cases, words}) => {
      cases.forEach((one) => {
        one.hidden = !fits(one, `${words} ${one.firstElementChild.textContent.toLowerCase()}`);
        count += !one.hidden;
      });
      element.hidden = cases.length ? cases.every((one) => one.hidden) : !fits(element, words);
      count += !cases.length && !element.hidden;
    });
    document.querySelectorAll(".subject, .provider").forEach((one) => {
      one.hidden = !one.querySelector(".promise:not([hidden])");
    });
    form.querySelector(".found").textContent = `${count} shown`;
  };
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  show();
})();
