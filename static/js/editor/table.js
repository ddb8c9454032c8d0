// The table of the offer editor: ISPs down, options across, totals in the head.
import { bound, css, letter, totals } from './options.js';
import { fromWatts, grouped, inCell, signed } from './numbers.js';
import { element, icon } from './findings.js';

const HEADS = [
  ['option_reference', 'Reference', 'text'],
  ['price', 'Price', 'decimal'],
  ['min_activation_factor', 'Minimum activation, 0.01–1.00', 'decimal'],
];
const SAMPLE = ['', '6 3', '2 2', '7 2 2 2', '4 2'];

function cellOf(tag, css = '', text = '', attributes = {}) {
  const made = element(tag, css, text);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function input(label, attributes) {
  const made = element('input');
  made.setAttribute('aria-label', label);
  made.autocomplete = 'off';
  made.spellcheck = false;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function line(index) {
  const svg = icon('open', '');
  svg.replaceChildren();
  svg.setAttribute('viewBox', '0 0 20 12');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', 'M0 6h20');
  path.setAttribute('stroke', 'currentColor');
  path.setAttribute('stroke-width', '2.5');
  if (SAMPLE[index % 5]) path.setAttribute('stroke-dasharray', SAMPLE[index % 5]);
  svg.append(path);
  return svg;
}

// "≤ −160 Req": the bound that matters, the whole band in the title.
function request(isp, unit) {
  const near = bound(isp);
  const cell = cellOf('td', 'rqc', near ? `${near.side} ${signed(fromWatts(near.watts, unit))} ` : '– ');
  if (!near) return cell;
  const said = value => (value === null || value === undefined ? 'no limit' : signed(fromWatts(value, unit)));
  cell.title = `${isp.disposition}: ${said(isp.min_w)} to ${said(isp.max_w)} ${unit}`;
  const word = element('abbr', 'rq', isp.disposition === 'Requested' ? 'Req' : 'Av');
  word.title = isp.disposition;
  cell.append(word);
  return cell;
}

export class Table {
  constructor(table, { isps, minutes, currency, onRemove }) {
    Object.assign(this, { table, isps, minutes, currency, onRemove });
    this.extras = ['obliged_w', 'free_w'].filter(name => isps.some(isp => isp[name] !== undefined && isp[name] !== null));
    this.lead = 4 + this.extras.length;
  }

  build(options, unit) {
    const head = element('thead');
    head.append(this.names(options), ...HEADS.map(field => this.fields(options, field)), ...this.sums(options), this.titles(options, unit));
    const body = element('tbody');
    body.append(...this.isps.map((isp, r) => this.row(isp, r, options, unit)));
    this.table.replaceChildren(this.columns(options), head, body);
    // Set through CSSOM: the policy refuses style attributes in markup, not this.
    this.table.style.minWidth = `${248 + 62 * this.extras.length + 98 * options.length}px`;
  }

  columns(options) {
    const group = element('colgroup');
    const extra = { obliged_w: 'c-ob', free_w: 'c-free' };
    const classes = ['c-time', 'c-utc', 'c-isp', 'c-req', ...this.extras.map(name => extra[name]), ...options.map(() => 'c-opt')];
    group.append(...classes.map(name => element('col', name)));
    return group;
  }

  names(options) {
    const row = element('tr');
    row.append(cellOf('td', 'lefth mute small', this.table.dataset.note ?? '', { colspan: this.lead }));
    options.forEach((option, index) => {
      const cell = cellOf('th', `opt name ${css(index)}`, '', { scope: 'col' });
      cell.append(line(index), letter(index));
      if (options.length > 1) cell.append(this.remover(index));
      row.append(cell);
    });
    return row;
  }

  remover(index) {
    const button = element('button', 'drop');
    button.type = 'button';
    button.setAttribute('aria-label', `Remove option ${letter(index)}`);
    button.append(icon('close'));
    button.addEventListener('click', () => this.onRemove(index));
    return button;
  }

  fields(options, [name, title, mode]) {
    const row = element('tr');
    const label = name === 'price' ? `${title}, ${this.currency}` : title;
    row.append(cellOf('th', '', label, { scope: 'row', colspan: this.lead }));
    options.forEach((option, index) => {
      const cell = element('td', 'opt put');
      const field = input(`Option ${letter(index)} ${title.toLowerCase()}`, {
        'data-field': name, 'data-option': index, inputmode: mode, value: option[name],
      });
      if (mode === 'text') field.className = 'txt';
      if (mode === 'text' && !index) field.dataset.search = ''; // where / goes
      cell.append(field);
      row.append(cell);
    });
    return row;
  }

  sums(options) {
    const more = options.length > 0 && totals(options[0], this.isps, this.minutes).more;
    const rows = [
      ['kwh', `Energy ${more ? 'added' : 'reduced'}, kWh`], ['perMwh', `${this.currency}/MWh`],
      ['covered', 'Share of the request covered'], ['least', `${this.currency} at minimum activation`],
    ];
    return rows.map(([name, title]) => {
      const row = element('tr', 'sum');
      row.append(cellOf('th', '', title, { scope: 'row', colspan: this.lead }));
      options.forEach((_, index) => row.append(cellOf('td', 'opt out', '–', { 'data-sum': name, 'data-option': index })));
      return row;
    });
  }

  titles(options, unit) {
    const row = element('tr');
    const words = { obliged_w: 'Obliged', free_w: 'Free' };
    row.append(cellOf('th', 'lt', 'Local', { scope: 'col' }));
    row.append(...['UTC', 'ISP', 'Request', ...this.extras.map(name => words[name])].map(text => cellOf('th', '', text, { scope: 'col' })));
    options.forEach((_, index) => {
      const cell = cellOf('th', 'opt', unit, { scope: 'col' });
      cell.append(element('span', 'sr', ` option ${letter(index)}`));
      row.append(cell);
    });
    return row;
  }

  row(isp, r, options, unit) {
    const kind = { Requested: 'req', Available: 'avail' }[isp.disposition] ?? '';
    const row = cellOf('tr', kind, '', { 'data-n': isp.n });
    row.append(cellOf('th', '', isp.local, { scope: 'row' }), cellOf('td', '', isp.utc), cellOf('td', '', String(isp.isp ?? isp.n)), request(isp, unit));
    for (const name of this.extras) row.append(cellOf('td', '', isp[name] ? signed(fromWatts(isp[name], unit)) : '–'));
    options.forEach((option, c) => {
      const cell = element('td', 'opt cell');
      cell.append(input(`Option ${letter(c)}, ISP ${isp.n}, ${unit}`, {
        'data-r': r, 'data-c': c, inputmode: 'decimal', value: inCell(option.powers[isp.n], unit),
      }));
      row.append(cell);
    });
    return row;
  }

  totals(options) {
    const said = {
      kwh: value => grouped(value, 1), perMwh: value => grouped(value, 2),
      covered: value => `${grouped(value * 100, 1)} %`, least: value => grouped(value, 2),
    };
    const sums = options.map(option => totals(option, this.isps, this.minutes));
    for (const cell of this.table.querySelectorAll('[data-sum]')) {
      const value = sums[Number(cell.dataset.option)]?.[cell.dataset.sum];
      const text = value === null || value === undefined ? '–' : said[cell.dataset.sum](value);
      if (cell.textContent !== text) cell.textContent = text;
    }
    for (const row of this.table.querySelectorAll('tbody tr')) {
      row.querySelectorAll('.cell').forEach((cell, c) => {
        const power = options[c]?.powers[row.dataset.n];
        cell.classList.toggle('zero', power === 0 || power === undefined);
      });
    }
  }

  focused(r) {
    this.table.querySelector('tbody tr.here')?.classList.remove('here');
    if (r !== null) this.table.querySelectorAll('tbody tr')[r]?.classList.add('here');
  }
}
