// What the page can tell by itself, without the server: unreadable numbers, and powers outside
// the request's bounds. Pure.
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
const NAMED = 3; // ISPs that a sentence names one by one

// What an ISP allows and an option does not keep to: {isp, watts, kind, limit, name}.
// kind is short (less than asked), beyond (outside the band) or unasked (the request does not speak of it).
function breach(isp, watts, { whole, tried }) {
  if (typeof watts === 'string') return null; // unreadable: an error says so
  const want = asked(isp);
  if (!watts) return want && tried ? near(isp, 0, 'short') : null;
  if (!isp.disposition) return whole ? null : { isp, watts, kind: 'unasked' };
  const { min_w: least = null, max_w: most = null } = isp;
  if ((most === null || watts <= most) && (least === null || watts >= least)) return null;
  const short = want * watts > 0 && Math.abs(watts) < Math.abs(want);
  return near(isp, watts, short ? 'short' : 'beyond');
}

// The bound that is not kept: the one on the side on which the power lies.
function near(isp, watts, kind) {
  const over = isp.max_w !== null && isp.max_w !== undefined && watts > isp.max_w;
  return { isp, watts, kind, limit: over ? isp.max_w : isp.min_w, name: over ? 'MaxPower' : 'MinPower' };
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
  const here = `ISP ${isp.n} (${isp.local}): ${watts ? shown(watts, unit) : 'nothing'}`;
  return kind === 'unasked' ? here : `${here}, ${name} ${shown(limit, unit)}`;
}

// Advice, never a refusal: the DSO decides whether such an option helps.
function outside(option, index, isps, unit) {
  const whole = !isps.some(isp => isp.disposition); // nobody asked for anything
  const tried = Object.values(option.powers).some(Boolean); // of an option that is still empty the server speaks
  const found = isps.map(isp => breach(isp, option.powers[isp.n], { whole, tried })).filter(Boolean);
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
    ...outside(option, index, isps, unit),
  ]);
}

// The page's own sentence about a field is the nearer one: the server saw only text.
export function merged(own, theirs) {
  const taken = new Set(own.filter(finding => finding.severity === 'error').map(finding => finding.field));
  return [...own, ...theirs.filter(finding => !taken.has(finding.field))];
}
