// The offer editor: wires state, table, grid, chart, checks and saving together.
import { confirmed } from '../dialogs.js';
import { Conflict } from './conflict.js';
import { draw } from '../plots.js';
import { Findings, parsed } from './findings.js';
import { Grid } from './grid.js';
import { judged, merged } from './judge.js';
import { forClipboard, inCell, pageStyle, parse, power, shown, UNITS } from './numbers.js';
import { blank, clear, cloned, closed, fit, inside, letter, opened, put, scale, shift } from './options.js';
import { told, understand } from './sheet.js';
import { overlaid } from './space.js';
import { Store } from './state.js';
import { Sync } from './sync.js';
import { Table } from './table.js';
import { clockText, instantOf, localText } from './zone.js';

const json = id => JSON.parse(document.getElementById(id).textContent);
const $ = id => document.getElementById(id);
const data = json('editor-data');
const figure = json('space-figure');
const isps = data.request.isps;
const minutes = data.isp_minutes ?? 15;
const NAMES = {
  Power: 'power', Price: 'price', MinActivationFactor: 'minimum activation', OptionReference: 'reference',
  ExpirationDateTime: 'Expiry', Currency: 'Currency',
};

let unit = 'kW';
let theirs = data.findings ?? [];
let option = 0; // where the focus was last
let isp = null;

const typed = draft => ({ options: (draft.options ?? []).map(opened), expires_at: draft.expires_at ?? null });
const store = new Store(typed(data.draft));
if (!store.draft.options.length) store.draft.options.push(blank([]));
const options = () => store.draft.options;
const posted = () => ({ ...data.draft, options: options().map(closed), expires_at: store.draft.expires_at });

const table = new Table($('grid'), { isps, minutes, currency: data.currency, onRemove: remove });
const findings = new Findings($('findings'), { titled, find, mend, summary });
const sync = new Sync({
  draft: posted, checkUrl: data.check_url, saveUrl: data.save_url,
  onChecked: answer => { theirs = answer.findings ?? []; judge(); }, onStatus: status,
  token: data.token, onConflict: answer => conflict.show(answer),
});
const conflict = new Conflict(sync, other => {
  Object.assign(data.draft, other);
  store.change(draft => Object.assign(draft, typed(other)), { kind: 'structure' });
  say('The other version is loaded; Ctrl Z brings yours back.');
});
const grid = new Grid($('grid'), {
  rows: () => isps.length, columns: () => options().length,
  read: (r, c) => inCell(options()[c]?.powers[isps[r].n], unit),
  copied: (r, c) => forClipboard(options()[c].powers[isps[r].n] ?? '', unit, pageStyle()),
  write, paste,
  focused: ({ r, c }) => { option = c; isp = isps[r].n; table.focused(r); redraw(); tellTarget(); },
  settled: () => { store.settle(); grid.refresh('all'); },
});

function say(text, css = '') {
  $('said').textContent = text;
  $('said').className = `small ${css}`.trim();
}

function status(kind, text) {
  const line = $('saved');
  line.className = kind === 'trouble' ? 'at bad' : 'at';
  line.textContent = kind === 'saved' ? `saved ${clockText(text ?? new Date().toISOString(), data.zone)}` : text;
}

function readPower(text) {
  const read = power(text, unit);
  if (read.watts !== undefined) {
    if (/[.,]/.test(text)) say(`${text.trim()} read as ${shown(read.watts, unit)}.`);
    return read.watts;
  }
  return text.trim();
}

function write(cells, { typing = false }) {
  const same = typing ? `${cells[0].r}/${cells[0].c}` : null;
  store.change(draft => {
    for (const { r, c, text } of cells) put(draft.options[c], isps[r].n, readPower(text));
  }, { same });
  if (!typing) {
    grid.refresh('all');
    judge();
  }
}

function fillAll(text, block) {
  write(grid.inBlock().map(({ r, c }) => ({ r, c, text })), {});
  say(`${text.trim()} put into ${(block.bottom - block.top + 1) * (block.right - block.left + 1)} cells.`);
}

function paste(text, block, everywhere, style = null) {
  if (everywhere) return fillAll(text, block);
  const room = { columns: options().length - block.left, rows: isps.length };
  const sheet = understand(text, { room, style });
  if (sheet.unclear.length) return askStyle(sheet.unclear[0], mark => paste(text, block, everywhere, mark));
  const byClock = sheet.labels.clock && isps.findIndex(row => row.local === sheet.labels.clock);
  const top = byClock >= 0 && sheet.labels.clock ? byClock : block.top;
  const over = Math.max(0, top + sheet.values.length - isps.length);
  store.change(draft => place(draft, sheet.values, top, block.left), { kind: 'structure' });
  const lost = over ? ` ${over} ${over === 1 ? 'row' : 'rows'} below the last ISP left out.` : '';
  say(`${told(sheet, `ISP ${isps[top].n}, option ${letter(block.left)}`, unit)}${lost} Ctrl Z takes it back.`);
  grid.go(top, block.left);
  return undefined;
}

function place(draft, values, top, left) {
  values.forEach((row, i) => {
    if (!isps[top + i]) return;
    row.forEach(({ text, read }, j) => {
      while (draft.options.length <= left + j) draft.options.push(blank(draft.options));
      const taken = read === null ? null : read.value === undefined ? text : power(read.value, unit, '.').watts ?? text;
      put(draft.options[left + j], isps[top + i].n, taken);
    });
  });
}

// Nothing is pasted until somebody says what the point in 1.234 means.
function askStyle({ row, column, problem }, again) {
  say(`Nothing was pasted. Row ${row}, column ${column}: ${problem} `, 'bad');
  for (const [mark, label] of [['.', 'Point marks decimals'], [',', 'Comma marks decimals']]) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'btn small';
    button.textContent = label;
    button.addEventListener('click', () => again(mark));
    $('said').append(button);
  }
}

function titled(finding) {
  if (finding.title) return finding.title;
  const at = parsed(finding.field);
  const row = at.isp === null ? null : isps.find(item => item.n === at.isp);
  const where = [];
  if (at.option !== null) where.push(`Option ${letter(at.option)}`);
  if (at.isp !== null) where.push(`ISP ${at.isp}${row ? ` (${row.local})` : ''}`);
  else if (NAMES[at.name]) where.push(NAMES[at.name]);
  const typed = at.isp !== null && options()[at.option]?.powers[at.isp];
  const value = typeof typed === 'number' ? `: ${shown(typed, unit)}` : typed ? `: ${typed}` : '';
  return (where.join(', ') || finding.field || 'The offer') + value;
}

function find(finding) {
  const at = parsed(finding.field);
  if (at.isp !== null && at.option !== null) {
    const r = isps.findIndex(item => item.n === at.isp);
    return r < 0 ? null : grid.cell(r, at.option);
  }
  if (at.name === 'ExpirationDateTime') return $('expires');
  return FIELDS[at.name] ? headField(FIELDS[at.name], at.option ?? 0) : null;
}

const FIELDS = { Price: 'price', MinActivationFactor: 'min_activation_factor', OptionReference: 'option_reference' };

function mend(finding, chosen) {
  const at = parsed(finding.field);
  store.change(draft => {
    if (chosen.fit !== undefined) fit(draft.options[chosen.fit], isps);
    else if (chosen.inside !== undefined) inside(draft.options[chosen.inside], isps);
    else if (chosen.clear !== undefined) clear(draft.options[chosen.clear], isps);
    else if (chosen.power !== undefined) put(draft.options[at.option], at.isp, chosen.power);
    else if (at.name === 'ExpirationDateTime') draft.expires_at = chosen.value;
    else draft.options[at.option][FIELDS[at.name]] = chosen.value;
  }, { kind: 'structure' });
}

function summary({ errors, all }) {
  const warnings = all.length - errors.length;
  const count = errors.length === 1 ? '1 error stops sending' : `${errors.length} errors stop sending`;
  $('why').textContent = errors.length ? count : '';
  $('others').textContent = warnings ? `${warnings} ${warnings === 1 ? 'warning' : 'warnings'}` : '';
  $('send').setAttribute('aria-disabled', String(errors.length > 0));
}

function judge() {
  findings.show(merged(judged(options(), isps, unit), theirs));
  redraw();
}

let drawing = 0;
function redraw() {
  cancelAnimationFrame(drawing);
  drawing = requestAnimationFrame(() => {
    const errors = findings.errors.map(finding => ({ ...parsed(finding.field), limit: finding.limit }))
      .filter(at => at.isp !== null && at.option !== null);
    draw($('space'), () => overlaid(figure, { options: options(), isps, focus: isp, errors }));
  });
}

const headField = (name, index) => $('grid').querySelector(`[data-field="${name}"][data-option="${index}"]`);

// Rebuilding keeps the focus where it was: in a cell, in a field of the head, or at the option that is gone.
function rebuild() {
  const held = document.activeElement?.closest('#grid') && document.activeElement;
  const { field = 'option_reference', r } = held?.dataset ?? {};
  table.build(options(), unit);
  option = Math.min(option, options().length - 1);
  $('key').replaceChildren(...options().map((_, index) => keyItem(index)));
  if (r !== undefined) grid.go(grid.focus.r, grid.focus.c);
  else if (held) headField(field, option).focus();
  $('expires').value = localText(store.draft.expires_at, data.zone);
  tellTarget();
}

function keyItem(index) {
  const item = $('key-sample').content.firstElementChild.cloneNode(true);
  item.className = `o${'abcde'[index % 5]}`;
  item.querySelector('path').setAttribute('stroke-dasharray', ['none', '6 3', '2 2', '7 2 2 2', '4 2'][index % 5]);
  item.append(letter(index));
  return item;
}

// From the tools one goes on with the new option; in the grid the cursor says which one is meant.
function aim(index) {
  if (!document.activeElement?.closest('#grid')) option = index;
  tellTarget();
}

function tellTarget() {
  $('target').textContent = `on ${letter(option)}`;
}

function remove(index) {
  store.change(draft => draft.options.splice(index, 1), { kind: 'structure' });
  say(`Option ${letter(index)} removed; Ctrl Z brings it back.`);
}

const ACTIONS = {
  add: () => {
    store.change(draft => draft.options.push(blank(draft.options)), { kind: 'structure' });
    aim(options().length - 1);
  },
  clone: () => {
    store.change(draft => draft.options.push(cloned(draft.options, option)), { kind: 'structure' });
    say(`Option ${letter(options().length - 1)} is a copy of ${letter(option)}.`);
    aim(options().length - 1);
  },
  later: () => shifted(1),
  earlier: () => shifted(-1),
  fit: () => store.change(draft => fit(draft.options[option], isps), { kind: 'structure' }),
  scale: () => $('scale').showModal(),
  undo: () => store.undo(),
  redo: () => store.redo(),
};

function shifted(step) {
  let moved = true;
  store.change(draft => { moved = shift(draft.options[option], isps, step); }, { kind: 'structure' });
  const edge = step > 0 ? isps[isps.length - 1].n : isps[0].n;
  if (!moved) say(`Not shifted: option ${letter(option)} has power in ISP ${edge}, the ${step > 0 ? 'last' : 'first'} of the request.`, 'bad');
}

function scaled() {
  const read = parse($('scale-by').value, pageStyle());
  $('scale').returnValue = ''; // Esc leaves what stands here: the next one must not count
  const factor = Number(read.value) / 100;
  if (read.problem || factor < 0) {
    say(read.problem ?? 'A share to scale by is not negative.', 'bad');
    return;
  }
  const block = grid.many() ? grid.block() : null;
  const numbers = block ? isps.slice(block.top, block.bottom + 1).map(row => row.n) : isps.map(row => row.n);
  const targets = block ? options().slice(block.left, block.right + 1).map((_, i) => block.left + i) : [option];
  store.change(draft => targets.forEach(c => scale(draft.options[c], numbers, factor)), { kind: 'structure' });
}

const DECIMAL = ['price', 'min_activation_factor'];

function typedField(field) {
  const name = field.dataset.field;
  const read = DECIMAL.includes(name) && field.value.trim() ? parse(field.value) : null;
  const value = read ? read.value ?? field.value.trim() : field.value;
  const padded = read?.value ? withCents(read.value) : value;
  store.change(draft => { draft.options[field.dataset.option][name] = padded; }, { same: `${name}/${field.dataset.option}` });
  if (read?.value && field.value.includes(',')) say(`${field.value.trim()} read as ${padded}.`);
}

function withCents(value) {
  const [whole, fraction = ''] = value.split('.');
  return `${whole}.${fraction.padEnd(2, '0')}`;
}

const DOWN = ['option_reference', 'price', 'min_activation_factor']; // as they stand in the head

function headKey(event) {
  const field = event.target.closest?.('[data-field]');
  const step = { ArrowDown: 1, Enter: 1, ArrowUp: -1 }[event.key];
  if (!field || !step || event.ctrlKey || event.altKey) return;
  const next = DOWN[DOWN.indexOf(field.dataset.field) + step];
  event.preventDefault();
  if (next) headField(next, field.dataset.option).focus();
  else if (step > 0) grid.go(0, Number(field.dataset.option));
}

async function send() {
  if (conflict.found) {
    conflict.focus();
    return;
  }
  judge();
  if (findings.errors.length) {
    findings.go(0);
    say(`${$('why').textContent}: the first one is in focus.`, 'bad');
    return;
  }
  const prices = options().map(item => item.price).filter(Boolean);
  const until = store.draft.expires_at ? `until ${clockText(store.draft.expires_at, data.zone)}` : '';
  const count = `${options().length} ${options().length === 1 ? 'option' : 'options'}`;
  const advice = findings.all.filter(finding => finding.cells?.length).map(finding => ` ${titled(finding)}.`).join('');
  const one = options().length === 1 ? 'It' : 'One of them';
  const text = `Send ${count} (${data.currency} ${prices.join(', ')}) to ${data.counterparty ?? 'the DSO'}? ${one} may be ordered ${until}.${advice}`;
  if (!await confirmed(text, 'Send offer')) return;
  sync.leave();
  await sync.saving; // else our own save would stand in our way
  $('posted').value = JSON.stringify(posted());
  $('token').value = sync.token;
  $('send-form').submit();
}

function shortcut(event) {
  if (document.querySelector('dialog[open]')) return;
  const control = event.ctrlKey || event.metaKey;
  const alt = { KeyC: 'clone', KeyS: event.shiftKey ? 'earlier' : 'later', KeyF: 'fit' }[event.code];
  if (event.key === 'F8') findings.next(event.shiftKey ? -1 : 1);
  else if (control && event.key === 'Enter') send();
  else if (control && event.key.toLowerCase() === 'z') ACTIONS[event.shiftKey ? 'redo' : 'undo']();
  else if (control && event.key.toLowerCase() === 'y') ACTIONS.redo();
  else if (event.altKey && !control && event.key === 'Enter') findings.take(document.activeElement);
  else if (event.altKey && !control && event.code === 'KeyE') $('expires').focus();
  else if (event.altKey && !control && alt) ACTIONS[alt]();
  else return;
  event.preventDefault();
}

let judging = 0;
store.listen(kind => {
  if (kind === 'structure') {
    rebuild();
    judge();
  }
  table.totals(options());
  redraw();
  sync.touched();
  clearTimeout(judging);
  judging = setTimeout(judge, 400);
});

document.addEventListener('keydown', shortcut);
$('grid').addEventListener('keydown', headKey);
$('grid').addEventListener('input', event => event.target.matches('[data-field]') && typedField(event.target));
$('grid').addEventListener('focusin', event => {
  if (!event.target.matches('[data-field]')) return;
  option = Number(event.target.dataset.option);
  event.target.select();
  tellTarget();
});
$('grid').addEventListener('focusout', event => {
  const { field, option: index } = event.target.dataset;
  if (!field) return;
  store.settle();
  event.target.value = options()[index]?.[field] ?? '';
});
$('tools').addEventListener('click', event => ACTIONS[event.target.closest('[data-do]')?.dataset.do]?.());
$('unit').addEventListener('change', event => {
  unit = event.target.value in UNITS ? event.target.value : 'kW';
  rebuild();
  table.totals(options());
  judge();
});
$('expires').addEventListener('change', event => {
  store.change(draft => { draft.expires_at = instantOf(event.target.value, data.zone); });
});
$('scale').addEventListener('close', () => $('scale').returnValue === 'yes' && scaled());
$('later-form')?.addEventListener('submit', async event => {
  event.preventDefault();
  if (!await sync.save()) {
    $('later').close();
    if (conflict.found) conflict.focus();
    return;
  }
  sync.leave();
  $('later-form').submit();
});
$('send').addEventListener('click', send);
$('send-form').addEventListener('submit', () => { $('posted').value = JSON.stringify(posted()); }); // the XML preview

rebuild();
table.totals(options());
judge();
if (data.conflict) sync.collide(data.conflict);
sync.check();
