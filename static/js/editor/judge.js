// What the page can tell by itself, without the server: unreadable numbers and Requested ISPs left empty. Pure.
import { asked, letter } from './options.js';
import { parse, power, shown, toWatts } from './numbers.js';

const CANONICAL = /^-?\d+(\.\d+)?$/;

function unreadable(option, index, unit) {
  const found = [];
  for (const [n, typed] of Object.entries(option.powers)) {
    if (typeof typed !== 'string') continue;
    const read = power(typed, unit);
    const mends = (read.readings ?? []).map(text => toWatts(text, unit)).filter(({ watts }) => watts !== undefined)
      .map(({ watts }) => ({ label: `Read as ${shown(watts, unit)}`, power: watts }));
    found.push({
      field: `OfferOption[${index + 1}].ISP[${n}].Power`, severity: 'error', mends,
      text: read.problem ?? `Typed in another unit: ${typed}. Type it again in ${unit}.`,
    });
  }
  return found;
}

function unreadableField(option, index, name, tag, title) {
  const typed = option[name];
  if (typed === '' || CANONICAL.test(typed)) return [];
  const read = parse(typed);
  const mends = (read.readings ?? []).map(value => ({ label: `Read as ${value}`, value }));
  return [{ field: `OfferOption[${index + 1}].${tag}`, severity: 'error', text: read.problem ?? `${title} is not a number.`, mends }];
}

function leftEmpty(option, index, isps) {
  const wanted = isps.filter(isp => asked(isp));
  const empty = wanted.filter(isp => !option.powers[isp.n]);
  if (!empty.length || empty.length === wanted.length) return [];
  const numbers = empty.map(isp => isp.n);
  return [{
    field: `OfferOption[${index + 1}]`, severity: 'warning', mends: [{ label: 'Fit to request', fit: index }],
    text: `ISP ${numbers.join(', ')}. You may send it: the DSO decides whether it helps.`,
    title: `Option ${letter(index)} leaves ${numbers.length} Requested ${numbers.length === 1 ? 'ISP' : 'ISPs'} empty`,
  }];
}

export function judged(options, isps, unit) {
  return options.flatMap((option, index) => [
    ...unreadable(option, index, unit),
    ...unreadableField(option, index, 'price', 'Price', 'The price'),
    ...unreadableField(option, index, 'min_activation_factor', 'MinActivationFactor', 'The minimum activation'),
    ...leftEmpty(option, index, isps),
  ]);
}

// The page's own sentence about a field is the nearer one: the server saw only text.
export function merged(own, theirs) {
  const taken = new Set(own.filter(finding => finding.severity === 'error').map(finding => finding.field));
  return [...own, ...theirs.filter(finding => !taken.has(finding.field))];
}
