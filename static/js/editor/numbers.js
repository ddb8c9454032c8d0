// Numbers as people type and paste them, and powers in W, kW and MW. Exact: decimals are moved, never multiplied.
export const UNITS = { W: 0, kW: 3, MW: 6 };
const MOST_DIGITS = 15; // what a message may carry
const MINUS = '−';

// How a group of numbers marks its decimals: ',' or '.', or null when nothing tells.
export function styleOf(texts) {
  for (const raw of texts) {
    const text = cleaned(raw);
    const separators = text.replace(/[^.,]/g, '');
    if (separators.length === 0 || !/^[-+]?[\d.,]+$/.test(text) || ambiguous(text)) continue;
    const last = separators[separators.length - 1];
    if (separators.length > 1 && new Set(separators).size === 1) return last === ',' ? '.' : ',';
    return last;
  }
  return null;
}

function cleaned(raw) {
  return String(raw).replace(/[\s\u00a0\u202f'’]/g, '').replace(/[−–]/g, '-');
}

function ambiguous(text) {
  return /^[-+]?[1-9]\d{0,2}[.,]\d{3}$/.test(text);
}

// Returns {value: canonical decimal text} or {problem: sentence, readings: [text, text]}.
// `style` is ',' or '.' when the page or the rest of a paste has settled what marks decimals.
export function parse(raw, style = null) {
  const text = cleaned(raw);
  if (!/^[-+]?[\d.,]*\d[\d.,]*$/.test(text)) return { problem: `“${String(raw).trim()}” is not a number.` };
  if (ambiguous(text) && style === null) {
    const whole = text.replace(/[.,+]/g, '');
    const fraction = text.replace(',', '.').replace('+', '');
    return {
      problem: `“${String(raw).trim()}” may mean ${spaced(whole)} or ${fraction}0: write it without the separator, or with another decimal.`,
      readings: [whole, fraction],
    };
  }
  const mark = style ?? styleOf([text]) ?? '.';
  return canonical(text, mark, raw);
}

function canonical(text, mark, raw) {
  const sign = text.startsWith('-') ? '-' : '';
  const [whole, ...rest] = text.replace(/^[-+]/, '').split(mark);
  const other = mark === '.' ? ',' : '.';
  const groups = whole.split(other);
  const grouped = groups.length === 1 || (groups[0].length <= 3 && groups.slice(1).every(group => group.length === 3));
  if (rest.length > 1 || rest[0]?.includes(other) || !grouped || (groups.length > 1 && !groups[0])) {
    return { problem: `“${String(raw).trim()}” has its separators in odd places.` };
  }
  const digits = groups.join('').replace(/^0+(?=\d)/, '') || '0';
  const fraction = (rest[0] ?? '').replace(/0+$/, '');
  const value = fraction ? `${digits}.${fraction}` : digits;
  return { value: /^[0.]+$/.test(value) ? value : sign + value };
}

// Canonical decimal text in a unit -> whole watts.
export function toWatts(value, unit) {
  const sign = value.startsWith('-') ? -1 : 1;
  const [whole, fraction = ''] = value.replace('-', '').split('.');
  const places = UNITS[unit];
  if (fraction.length > places) {
    const least = { W: '1 W', kW: '0.001 kW', MW: '0.000001 MW' }[unit];
    return { problem: `Powers are whole watts: the smallest step is ${least}.` };
  }
  const digits = (whole + fraction.padEnd(places, '0')).replace(/^0+(?=\d)/, '');
  if (digits.length > MOST_DIGITS) return { problem: `A power has at most ${MOST_DIGITS} digits in W.` };
  return { watts: digits === '0' ? 0 : sign * Number(digits) };
}

// What somebody typed for a power: {watts} or {problem, readings}. Empty is {watts: null}.
export function power(raw, unit, style = null) {
  if (String(raw).trim() === '') return { watts: null };
  const read = parse(raw, style);
  return read.problem ? read : toWatts(read.value, unit);
}

// Whole watts as text in a unit, exact and without grouping: -120500 in kW -> "-120.5".
export function fromWatts(watts, unit) {
  const places = UNITS[unit];
  const digits = String(Math.abs(watts)).padStart(places + 1, '0');
  const cut = digits.length - places;
  const fraction = digits.slice(cut).replace(/0+$/, '');
  return (watts < 0 ? '-' : '') + digits.slice(0, cut) + (fraction ? `.${fraction}` : '');
}

// For reading: true minus, plus on increases.
export function signed(text) {
  if (text.startsWith('-')) return MINUS + spaced(text.slice(1));
  return /[1-9]/.test(text) ? `+${spaced(text)}` : text;
}

function spaced(text) {
  const [whole, fraction] = text.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction ? `${grouped}.${fraction}` : grouped;
}

// In a cell there are no group separators, so that what is shown is always read back as itself.
export function inCell(power, unit) {
  if (power === null || power === undefined) return '';
  if (typeof power === 'string') return power;
  const text = fromWatts(power, unit);
  return text.startsWith('-') ? MINUS + text.slice(1) : power > 0 ? `+${text}` : text;
}

// For a clipboard: a fraction of three digits gets a fourth, lest it be read as thousands on its way back.
export function forClipboard(power, unit, style) {
  const text = typeof power === 'number' ? fromWatts(power, unit) : power ?? '';
  const safe = ambiguous(text) ? `${text}0` : text;
  return style === ',' ? safe.replace('.', ',') : safe;
}

export const shown = (watts, unit) => `${signed(fromWatts(watts, unit))} ${unit}`;

export function grouped(value, places) {
  const text = Math.abs(value).toFixed(places).replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ',');
  return value < 0 && /[1-9]/.test(text) ? MINUS + text : text;
}

// The decimal mark of the page's language, for copying and for what a style is presumed to be.
export function pageStyle(language = document.documentElement.lang) {
  return new Intl.NumberFormat(language || 'en').formatToParts(1.5).find(part => part.type === 'decimal').value;
}
