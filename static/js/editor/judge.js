// What the page can tell by itself, without the server: unreadable numbers Requested ISPs left empty
// and powers outside the request's bounds. Pure.
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

const some = (numbers, noun = 'ISP') => `${numbers.length} ${noun}${numbers.length === 1 ? '' : 's'}`;
const NAMED = 4; // ISPs that a sentence names one by one

function leftEmpty(option, index, isps) {
  const wanted = isps.filter(isp => asked(isp));
  const empty = wanted.filter(isp => !option.powers[isp.n]);
  if (!empty.length || empty.length === wanted.length) return [];
  const numbers = empty.map(isp => isp.n);
  return [{
    field: `OfferOption[${index + 1}].ISP[${numbers[0]}].Power`, severity: 'warning',
    mends: [{ label: 'Fit to request', fit: index }],
    text: `ISP ${numbers.join(', ')}. You may send it: the DSO decides whether it helps.`,
    title: `Option ${letter(index)} leaves ${some(numbers, 'Requested ISP')} empty`,
  }];
}

// What an ISP allows and an option does not keep to: {isp, watts, kind, limit}; kind is short, beyond or unasked.
export function breach(isp, watts, whole) {
  if (typeof watts !== 'number' || watts === 0) return null;
  if (!isp.disposition) return whole ? null : { isp, watts, kind: 'unasked' };
  const { min_w: least = null, max_w: most = null } = isp;
  const over = most !== null && watts > most;
  if (!over && (least === null || watts >= least)) return null;
  const want = asked(isp);
  const short = want * watts > 0 && Math.abs(watts) < Math.abs(want);
  return { isp, watts, kind: short ? 'short' : 'beyond', limit: over ? most : least, name: over ? 'MaxPower' : 'MinPower' };
}

const ADVICE = {
  short: (which, ours) => `${which} gives less than asked in ${some(ours, 'Requested ISP')}`,
  beyond: (which, ours) => `${which} leaves the request’s bounds in ${some(ours)}`,
  unasked: (which, ours) => `${which} has power in ${some(ours)} that the request does not speak of`,
};
const MENDS = {
  short: index => ({ label: 'Fit to request', fit: index }),
  beyond: index => ({ label: 'Bring inside', inside: index }),
  unasked: index => ({ label: 'Clear them', clear: index }),
};

function sentence({ isp, watts, kind, limit, name }, unit) {
  const here = `ISP ${isp.n} (${isp.local}): ${shown(watts, unit)}`;
  return kind === 'unasked' ? here : `${here}, ${name} ${shown(limit, unit)}`;
}

// Advice, never a refusal: the DSO decides whether such an option helps.
function outside(option, index, isps, unit) {
  const whole = !isps.some(isp => isp.disposition); // nobody asked for anything
  const found = isps.map(isp => breach(isp, option.powers[isp.n], whole)).filter(Boolean);
  return Object.keys(ADVICE).flatMap(kind => {
    const ours = found.filter(one => one.kind === kind);
    if (!ours.length) return [];
    const more = ours.length > NAMED ? ` and ${ours.length - NAMED} more` : '';
    const said = ours.slice(0, NAMED).map(one => sentence(one, unit)).join('; ');
    return [{
      field: `OfferOption[${index + 1}].ISP[${ours[0].isp.n}].Power`, severity: 'warning', mends: [MENDS[kind](index)],
      title: ADVICE[kind](`Option ${letter(index)}`, ours), text: `${said}${more}. You may send it as it is.`,
      cells: kind === 'short' ? [] : ours.map(one => ({ n: one.isp.n, text: sentence(one, unit) })),
    }];
  });
}

export function judged(options, isps, unit) {
  return options.flatMap((option, index) => [
    ...unreadable(option, index, unit),
    ...unreadableField(option, index, 'price', 'Price', 'The price'),
    ...unreadableField(option, index, 'min_activation_factor', 'MinActivationFactor', 'The minimum activation'),
    ...leftEmpty(option, index, isps),
    ...outside(option, index, isps, unit),
  ]);
}

// The page's own sentence about a field is the nearer one: the server saw only text.
export function merged(own, theirs) {
  const taken = new Set(own.filter(finding => finding.severity === 'error').map(finding => finding.field));
  return [...own, ...theirs.filter(finding => !taken.has(finding.field))];
}
