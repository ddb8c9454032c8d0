// The DSO's request composer: forecast and capacity become MinPower and MaxPower per ISP.
import { confirmed } from './dialogs.js';
import { draw } from './plots.js';
import { element, Findings, parsed } from './editor/findings.js';
import { Grid } from './editor/grid.js';
import { merged } from './editor/judge.js';
import { forClipboard, grouped, inCell, pageStyle, power, shown } from './editor/numbers.js';
import { closed, COLUMNS, derive, DISPOSITIONS, disposition, judged, need, opened } from './editor/request.js';
import { told, understand } from './editor/sheet.js';
import { Store } from './editor/state.js';
import { Sync } from './editor/sync.js';
import { clockText, instantOf, localText } from './editor/zone.js';

const $ = id => document.getElementById(id);
const data = JSON.parse($('composer-data').textContent);
const { isps, zone } = data;
const minutes = data.isp_minutes ?? 15;
const TITLES = { forecast: 'forecast', disposition: 'disposition', min: 'MinPower', max: 'MaxPower' };
const FIELDS = { expires_at: 'expires', period: 'period', contract_id: 'contract', service_type: 'service' };
const INPUTS = {
  ExpirationDateTime: 'expires', Period: 'period', ContractID: 'contract', ServiceType: 'service',
  Recipients: 'recipients', RecipientDomain: 'recipients', Capacity: 'capacity',
};
const LABELS = {
  ExpirationDateTime: 'Closes at', Period: 'Day', ContractID: 'Contract', ServiceType: 'Service', Recipients: 'To',
  RecipientDomain: 'To', ISP: 'ISPs',
};
let unit = 'kW';
let theirs = (data.findings ?? []).map(plain);

const { isps: _isps, forecast_w: _forecast, ...meta } = data.draft;
const store = new Store({ recipients: [], ...meta, capacity_w: meta.capacity_w ?? data.capacity_w ?? null, rows: opened(data.draft, isps) });
const rows = () => store.draft.rows;
const posted = () => {
  const { rows: _rows, ...rest } = store.draft;
  return { ...rest, ...closed(rows()) };
};

const findings = new Findings($('findings'), { titled, find, mend, summary });
const sync = new Sync({
  draft: posted, checkUrl: data.check_url, saveUrl: data.save_url,
  onChecked: answer => { theirs = (answer.findings ?? []).map(plain); judge(); drawFigures(answer.figures ?? {}); }, onStatus: status,
});
const grid = new Grid($('grid'), {
  rows: () => isps.length, columns: () => COLUMNS.length, read: textOf, write, paste,
  copied: (r, c) => (COLUMNS[c] === 'disposition' ? textOf(r, c) : forClipboard(rows()[isps[r].n][COLUMNS[c]] ?? '', unit, pageStyle())),
  focused: ({ r }) => here(r), settled: () => { store.settle(); grid.refresh('all'); },
});

// Under the name that the field has on this page; a program is told the protocol's.
function plain(finding) {
  const [name, rest] = [finding.field, finding.text.slice(finding.field.length + 2)];
  if (!LABELS[name] || !rest || !finding.text.startsWith(`${name}: `)) return finding;
  return { ...finding, text: rest[0].toUpperCase() + rest.slice(1) };
}

function textOf(r, c) {
  const value = rows()[isps[r].n][COLUMNS[c]];
  return COLUMNS[c] === 'disposition' ? value : inCell(value, unit).replace(COLUMNS[c] === 'forecast' ? '+' : '', '');
}

function say(text, css = '') {
  $('said').textContent = text;
  $('said').className = `small ${css}`.trim();
}

function status(kind, text) {
  $('saved').className = kind === 'trouble' ? 'at bad' : 'at';
  $('saved').textContent = kind === 'saved' ? `saved ${clockText(text ?? new Date().toISOString(), zone)}` : text;
}

function taken(column, text, style = null) {
  if (COLUMNS[column] === 'disposition') return disposition(text) ?? '';
  const read = power(text, unit, style);
  return read.watts === undefined ? text.trim() : read.watts;
}

function write(cells, { typing = false }) {
  const same = typing ? `${cells[0].r}/${cells[0].c}` : null;
  store.change(draft => {
    for (const { r, c, text } of cells) draft.rows[isps[r].n][COLUMNS[c]] = taken(c, text);
  }, { same });
  if (!typing) grid.refresh('all');
}

function paste(text, block, everywhere, style = null) {
  if (everywhere) {
    write(grid.inBlock().map(cell => ({ ...cell, text })), {});
    return;
  }
  const sheet = understand(text, { room: { columns: COLUMNS.length - block.left, rows: isps.length }, style, word: cell => Boolean(disposition(cell)) });
  if (sheet.unclear.length) {
    askStyle(sheet.unclear[0], mark => paste(text, block, false, mark));
    return;
  }
  const byClock = sheet.labels.clock ? isps.findIndex(isp => isp.local === sheet.labels.clock) : -1;
  const top = byClock >= 0 ? byClock : block.top;
  store.change(draft => sheet.values.forEach((line, i) => line.forEach(({ text: cell }, j) => {
    const [isp, column] = [isps[top + i], COLUMNS[block.left + j]];
    if (isp && column) draft.rows[isp.n][column] = taken(block.left + j, cell, sheet.mark);
  })), { kind: 'structure' });
  const over = Math.max(0, top + sheet.values.length - isps.length);
  say(`${told(sheet, `ISP ${isps[top].n}`, unit)}${over ? ` ${over} rows below the last ISP left out.` : ''} Ctrl Z takes it back.`);
  grid.go(top, block.left);
}

function askStyle({ row, column, problem }, again) {
  say(`Nothing was pasted. Row ${row}, column ${column}: ${problem} `, 'bad');
  for (const [mark, label] of [['.', 'Point marks decimals'], [',', 'Comma marks decimals']]) {
    const button = element('button', 'btn small', label);
    button.type = 'button';
    button.addEventListener('click', () => again(mark));
    $('said').append(button);
  }
}

function titled({ field, title }) {
  if (title) return title;
  const at = parsed(field);
  const isp = isps.find(item => item.n === at.isp);
  return isp ? `ISP ${isp.n} (${isp.local}), ${at.name}` : LABELS[at.name] ?? (at.name || 'The request');
}

function find({ field }) {
  const at = parsed(field);
  if (at.isp === null) return $(INPUTS[at.name]) ?? null;
  const column = { MinPower: 2, MaxPower: 3, Disposition: 1, Forecast: 0 }[at.name] ?? 2;
  const r = isps.findIndex(isp => isp.n === at.isp);
  return r < 0 ? null : grid.cell(r, column);
}

function mend({ field }, chosen) {
  const at = parsed(field);
  const column = { MinPower: 'min', MaxPower: 'max', Forecast: 'forecast' }[at.name];
  store.change(draft => {
    if (chosen.power !== undefined) draft.rows[at.isp][column] = chosen.power;
    else if (at.name === 'ExpirationDateTime') draft.expires_at = chosen.value;
  }, { kind: 'structure' });
}

function summary({ errors, all }) {
  const count = errors.length === 1 ? '1 error stops sending' : `${errors.length} errors stop sending`;
  $('why').textContent = errors.length ? count : '';
  $('others').textContent = all.length > errors.length ? `${all.length - errors.length} to think about` : '';
  $('send').setAttribute('aria-disabled', String(errors.length > 0));
}

function judge() {
  findings.show(merged(judged(rows(), unit), theirs));
}

function drawFigures(figures) {
  for (const name of ['load', 'space']) {
    $(`card-${name}`).hidden = !figures[name];
    if (figures[name]) draw($(name), () => figures[name]);
  }
}

function totals() {
  const sum = need(rows(), minutes);
  const asks = sum.peak > 0 ? 'more' : 'less';
  $('need').textContent = sum.requested
    ? `${sum.requested} Requested and ${sum.available} Available ISPs: ${grouped(sum.kwh, 1)} kWh ${asks}, peak ${shown(sum.peak, unit)}`
    : 'Nothing is Requested yet';
}

function input(r, c) {
  const field = element(COLUMNS[c] === 'disposition' ? 'select' : 'input');
  if (field.tagName === 'SELECT') field.append(...['', ...DISPOSITIONS].map(name => new Option(name || '–', name)));
  else field.inputMode = 'decimal';
  field.dataset.r = r;
  field.dataset.c = c;
  field.setAttribute('aria-label', `ISP ${isps[r].n}, ${TITLES[COLUMNS[c]]}${c === 1 ? '' : `, ${unit}`}`);
  field.autocomplete = 'off';
  field.value = textOf(r, c);
  return field;
}

function row(isp, r) {
  const line = element('tr');
  line.dataset.n = isp.n;
  const head = element('th', '', isp.local);
  head.scope = 'row';
  line.append(head, element('td', '', isp.utc), element('td', '', String(isp.isp ?? isp.n)));
  COLUMNS.forEach((_, c) => {
    const cell = element('td', 'opt cell');
    cell.append(input(r, c));
    line.append(cell);
  });
  return line;
}

function build() {
  const at = document.activeElement?.closest('#grid') && grid.focus;
  $('rows').replaceChildren(...isps.map(row));
  document.querySelectorAll('[data-unit]').forEach(label => { label.textContent = unit; });
  if (at) grid.go(at.r, at.c);
  paint();
  ($('rows').querySelector('.req input') ?? $('rows').querySelector('input')).dataset.search = ''; // where / leads
}

function paint() {
  for (const line of $('rows').children) {
    const { disposition: kind } = rows()[line.dataset.n];
    line.classList.toggle('req', kind === 'Requested');
    line.classList.toggle('avail', kind === 'Available');
  }
  totals();
}

function here(r) {
  $('rows').querySelector('.here')?.classList.remove('here');
  $('rows').children[r]?.classList.add('here');
}

function chosen() {
  const block = grid.many() ? grid.block() : null;
  return block ? isps.slice(block.top, block.bottom + 1) : isps;
}

// Every form field outside the grid, from the state.
function fillFields() {
  $('expires').value = localText(store.draft.expires_at, zone);
  for (const name of ['period', 'contract_id', 'service_type']) {
    const field = $(FIELDS[name]);
    if (field) field.value = store.draft[name] ?? '';
  }
  const capacity = store.draft.capacity_w;
  if (document.activeElement !== $('capacity')) $('capacity').value = inCell(capacity, unit).replace('+', '');
  for (const box of document.querySelectorAll('input[name="recipient"]')) {
    box.checked = store.draft.recipients.map(String).includes(box.value);
  }
}

const ACTIONS = {
  derive: () => {
    let count = 0;
    store.change(draft => chosen().forEach(({ n }) => { count += derive(draft.rows[n], draft.capacity_w); }), { kind: 'structure' });
    say(count ? `${count} ISPs from forecast and capacity: MaxPower = capacity − forecast, MinPower = −capacity − forecast.`
      : 'No forecast to compute from: type or paste one, and say the capacity.', count ? '' : 'bad');
  },
  clear: () => store.change(draft => chosen().forEach(({ n }) => {
    Object.assign(draft.rows[n], { disposition: '', min: null, max: null });
  }), { kind: 'structure' }),
  undo: () => store.undo(),
  redo: () => store.redo(),
};

async function send() {
  judge();
  if (findings.errors.length) {
    findings.go(0);
    say(`${$('why').textContent}: the first one is in focus.`, 'bad');
    return;
  }
  const to = document.querySelectorAll('input[name="recipient"]:checked').length;
  const text = `Send this request to ${to} ${to === 1 ? 'aggregator' : 'aggregators'}? ${$('need').textContent}.`;
  if (!await confirmed(text, 'Send request')) return;
  sync.leave();
  $('posted').value = JSON.stringify(posted());
  $('send-form').submit();
}

function shortcut(event) {
  if (document.querySelector('dialog[open]')) return;
  const control = event.ctrlKey || event.metaKey;
  if (event.key === 'F8') findings.next(event.shiftKey ? -1 : 1);
  else if (control && event.key === 'Enter') send();
  else if (control && event.key.toLowerCase() === 'z') ACTIONS[event.shiftKey ? 'redo' : 'undo']();
  else if (control && event.key.toLowerCase() === 'y') ACTIONS.redo();
  else if (event.altKey && !control && event.key === 'Enter') findings.take(document.activeElement);
  else if (event.altKey && !control && event.code === 'KeyF') ACTIONS.derive();
  else return;
  event.preventDefault();
}

// Another day may have other ISPs: save, then let the server lay out the page again.
async function otherDay(value) {
  store.change(draft => { draft.period = value; });
  if (!await sync.save()) return;
  sync.leave();
  location.reload();
}

let judging = 0;
store.listen(kind => {
  if (kind === 'structure') {
    build();
    fillFields();
    judge();
  }
  paint();
  sync.touched();
  clearTimeout(judging);
  judging = setTimeout(judge, 400);
});

document.addEventListener('keydown', shortcut);
$('tools').addEventListener('click', event => ACTIONS[event.target.closest('[data-do]')?.dataset.do]?.());
$('unit').addEventListener('change', event => {
  unit = event.target.value;
  build();
  fillFields();
  judge();
});
$('meta').addEventListener('change', event => {
  const { id, name, value } = event.target;
  if (name === 'recipient') {
    const ids = [...document.querySelectorAll('input[name="recipient"]:checked')].map(box => Number(box.value));
    store.change(draft => { draft.recipients = ids; });
  } else if (id === 'expires') store.change(draft => { draft.expires_at = instantOf(value, zone); });
  else if (id === 'period') otherDay(value);
  else if (id === 'contract') store.change(draft => { draft.contract_id = value || null; });
  else if (id === 'service') store.change(draft => { draft.service_type = value || null; });
});
$('capacity').addEventListener('input', event => {
  const read = power(event.target.value, unit);
  event.target.setAttribute('aria-invalid', String(read.watts === undefined));
  if (read.watts === undefined) say(read.problem, 'bad');
  else store.change(draft => { draft.capacity_w = read.watts; }, { same: 'capacity' });
});
$('send').addEventListener('click', send);
$('send-form').addEventListener('submit', () => { $('posted').value = JSON.stringify(posted()); }); // the XML preview

build();
fillFields();
judge();
sync.check();
if (!isps.some(({ n }) => rows()[n].forecast !== null && rows()[n].forecast !== '')) {
  say('No forecast is known: type or paste one in its column, then From forecast works out the bounds.');
}
const first = $('rows').querySelector('.req');
if (first) $('grid').parentElement.scrollTop = first.offsetTop - 120; // the part of the day that matters
