// <memory-reader>: pointing at a fact lights up where it is said; pointing at a mention lights up its facts.

class MemoryReader extends HTMLElement {
  connectedCallback() {
    for (const type of ["pointerover", "focusin"]) this.addEventListener(type, (event) => this.point(event.target));
    for (const type of ["pointerleave", "focusout"]) this.addEventListener(type, () => this.clear());
  }

  point(target) {
    this.clear();
    const fact = target.closest(".fact");
    const mention = target.closest(".mention");
    if (fact) this.light(fact, this.querySelectorAll(`.said[data-facts~="${fact.dataset.fact}"]`));
    else if (mention) this.light(mention, this.querySelectorAll(`.fact[data-entities~="${mention.dataset.entity}"]`));
  }

  light(first, others) {
    for (const element of [first, ...others]) element.classList.add("lit");
  }

  clear() {
    for (const element of this.querySelectorAll(".lit")) element.classList.remove("lit");
  }
}

customElements.define("memory-reader", MemoryReader);
