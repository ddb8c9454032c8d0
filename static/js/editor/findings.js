// The Checks card: what is wrong, where, the limit, and the mend as a button; F8 goes round.
const icons = document.documentElement.dataset.icons;
const SVG = 'http://www.w3.org/2000/svg';

export function icon(name, css = '') {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', `i ${css}`.trim());
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `${icons}#${name}`);
  svg.append(use);
  return svg;
}

export function element(tag, css = '', text = '') {
  const made = document.createElement(tag);
  if (css) made.className = css;
  if (text) made.textContent = text;
  return made;
}

// "OfferOption[2].ISP[73].Power" -> {option: 1, isp: 73, name: "Power"}; brackets count from one.
export function parsed(field) {
  const option = /OfferOption\[(\d+)\]/.exec(field);
  const isp = /ISP\[(\d+)\]/.exec(field);
  const name = field.split('.').pop().replace(/\[\d+\]/, '');
  return { option: option ? Number(option[1]) - 1 : null, isp: isp ? Number(isp[1]) : null, name };
}

// A finding about several ISPs, at one of them.
const cellOf = ({ field }, n) => ({ field: field.replace(/ISP\[\d+\]/, `ISP[${n}]`) });

export class Findings {
  // titled(finding) -> heading; find(finding) -> the input it concerns or null; mend(finding, mend) applies one.
  constructor(list, { titled, find, mend, summary }) {
    Object.assign(this, { list, titled, find, mend, summary });
    this.all = [];
    this.at = -1;
  }

  get errors() {
    return this.all.filter(finding => finding.severity !== 'warning');
  }

  show(findings) {
    const focused = this.list.contains(document.activeElement);
    const said = JSON.stringify(findings);
    if (said === this.said) {
      this.marks();
      return;
    }
    this.said = said; // the same cards stay: a button must not vanish between press and release
    this.all = [...findings].sort((a, b) => (a.severity === 'warning') - (b.severity === 'warning'));
    this.list.replaceChildren(...this.all.map((finding, index) => this.card(finding, index)));
    if (!this.all.length) this.list.append(this.clean());
    if (focused) this.list.querySelector('button')?.focus();
    this.marks();
    this.summary?.(this);
  }

  clean() {
    const row = element('div', 'finding');
    row.append(icon('delivered', 'good'), element('p', '', 'Nothing to mend: every rule that can be checked here passes.'));
    return row;
  }

  card(finding, index) {
    const care = finding.severity === 'warning';
    const row = element('div', `finding ${care ? 'care' : 'wrong'}`);
    row.id = `finding-${index}`;
    const words = element('div');
    const head = element('h3', '', this.titled(finding));
    if (care) head.prepend(element('span', 'sr', 'Warning: '));
    words.append(head, element('p', '', finding.text));
    const act = element('div', 'act');
    for (const mend of finding.mends ?? []) act.append(this.button(mend.label, () => this.mend(finding, mend), care ? 'btn small' : 'btn small main'));
    if (this.find(finding)) act.append(this.button('Show', () => this.go(index), 'btn small'));
    row.append(icon('failed'), words, act);
    return row;
  }

  button(label, press, css) {
    const button = element('button', css, label);
    button.type = 'button';
    button.addEventListener('click', press);
    return button;
  }

  marks() {
    for (const field of document.querySelectorAll('[data-judged]')) {
      delete field.dataset.judged;
      field.removeAttribute('title');
      field.removeAttribute('aria-invalid');
      field.removeAttribute('aria-describedby');
      field.closest('td')?.classList.remove('wrong', 'care');
      field.closest('td')?.querySelector(':scope > .i')?.remove();
    }
    this.all.forEach((finding, index) => {
      if (!finding.cells) this.markOne(this.find(finding), finding, index, finding.text);
      for (const { n, text } of finding.cells ?? []) this.markOne(this.find(cellOf(finding, n)), finding, index, text);
    });
  }

  // Errors come first in the list: what one marks is not marked again as advice.
  markOne(field, finding, index, text) {
    if (!field || 'judged' in field.dataset) return;
    field.dataset.judged = '';
    if (finding.severity !== 'warning') field.setAttribute('aria-invalid', 'true');
    field.setAttribute('aria-describedby', `finding-${index}`);
    field.title = text;
    const cell = field.closest('td');
    if (!cell) return;
    cell.classList.add(finding.severity === 'warning' ? 'care' : 'wrong');
    if (cell.matches('.cell')) cell.prepend(icon('failed'));
  }

  go(index) {
    this.at = index;
    const field = this.find(this.all[index]);
    (field ?? this.list.querySelector(`#finding-${index} button`))?.focus();
    field?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }

  next(step) {
    if (!this.all.length) return;
    this.go((this.at + step + this.all.length) % this.all.length);
  }

  // Alt+Enter in a cell takes the first mend that is offered there.
  take(field) {
    const here = item => [item, ...(item.cells ?? []).map(({ n }) => cellOf(item, n))].some(at => this.find(at) === field);
    const finding = this.all.find(item => item.mends?.length && here(item));
    if (finding) this.mend(finding, finding.mends[0]);
    return Boolean(finding);
  }
}
