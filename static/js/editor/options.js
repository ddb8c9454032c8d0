// An offer's options as values and what can be done to them. Pure: no page, no clock.
export const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
export const letter = index => (index < 26 ? LETTERS[index] : LETTERS[Math.floor(index / 26) - 1] + LETTERS[index % 26]);
export const css = index => `o${'abcde'[index % 5]}`;

// From the message's form to a cell per ISP and back.
export function opened(option) {
  const powers = {};
  for (const isp of option.isps ?? []) {
    for (let n = isp.start; n < isp.start + (isp.duration ?? 1); n += 1) powers[n] = isp.power;
  }
  return {
    option_reference: option.option_reference ?? '', price: option.price ?? '',
    min_activation_factor: option.min_activation_factor ?? '1.00', powers,
  };
}

// One entry per ISP: a finding names the entry that it concerns, and so points at one cell.
export function closed(option) {
  const numbers = Object.keys(option.powers).map(Number).sort((a, b) => a - b);
  const { option_reference, price, min_activation_factor } = option;
  return {
    option_reference, price, min_activation_factor,
    isps: numbers.map(n => ({ start: n, duration: 1, power: option.powers[n] })),
  };
}

export function put(option, n, power) {
  if (power === null) delete option.powers[n];
  else option.powers[n] = power;
}

// The bound of an ISP that matters: the one closer to zero, and on which side of it to stay.
export function bound(isp) {
  const { min_w: low = null, max_w: high = null } = isp;
  if (low === null && high === null) return null;
  if (low === null || (high !== null && Math.abs(high) <= Math.abs(low))) return { watts: high, side: '≤' };
  return { watts: low, side: '≥' };
}

// What a request asks of an ISP: watts (negative: use less), or 0 where nothing is asked.
export function asked(isp) {
  if (isp.disposition !== 'Requested') return 0;
  const near = bound(isp)?.watts ?? 0;
  return (isp.max_w ?? 0) < 0 || (isp.min_w ?? 0) > 0 ? near : 0;
}

export function unused(options) {
  const taken = new Set(options.map(option => option.option_reference));
  for (let index = 0; ; index += 1) if (!taken.has(letter(index))) return letter(index);
}

export function blank(options) {
  return { option_reference: unused(options), price: '', min_activation_factor: '1.00', powers: {} };
}

export function cloned(options, index) {
  return { ...structuredClone(options[index]), option_reference: unused(options) };
}

// By one ISP, later or earlier; false when something would fall off the request.
export function shift(option, isps, step) {
  const numbers = isps.map(isp => isp.n);
  const edge = step > 0 ? numbers[numbers.length - 1] : numbers[0];
  if (edge in option.powers && option.powers[edge] !== 0) return false;
  const moved = {};
  numbers.forEach((n, i) => {
    const from = numbers[i - step];
    if (from in option.powers) moved[n] = option.powers[from];
  });
  option.powers = moved;
  return true;
}

export function scale(option, numbers, factor) {
  for (const n of numbers) {
    const power = option.powers[n];
    if (typeof power === 'number') option.powers[n] = Math.round(power * factor) || 0;
  }
}

// Requested ISPs get exactly what is asked, Available ones are brought inside their band.
export function fit(option, isps) {
  for (const isp of isps) {
    const want = asked(isp);
    const power = option.powers[isp.n];
    if (want) option.powers[isp.n] = want;
    else if (typeof power === 'number' && isp.disposition) {
      option.powers[isp.n] = Math.min(isp.max_w ?? power, Math.max(isp.min_w ?? power, power));
    }
  }
}

// What lies beyond a band is brought to its nearest edge; what is merely short of it stays.
export function inside(option, isps) {
  for (const isp of isps) {
    const power = option.powers[isp.n];
    const want = asked(isp);
    if (typeof power !== 'number' || !power || !isp.disposition) continue;
    if (want * power > 0 && Math.abs(power) < Math.abs(want)) continue;
    option.powers[isp.n] = Math.min(isp.max_w ?? power, Math.max(isp.min_w ?? power, power));
  }
}

// Power in ISPs that the request does not speak of is taken out.
export function clear(option, isps) {
  for (const isp of isps) if (!isp.disposition) delete option.powers[isp.n];
}

const number = text => (/^-?\d+(\.\d+)?$/.test(text) ? Number(text) : null);

// Energy counts in the direction that is asked; what goes the other way is rebound.
export function totals(option, isps, minutes) {
  const hours = minutes / 60;
  const more = isps.some(isp => asked(isp) > 0);
  const along = power => (typeof power === 'number' ? Math.max(0, more ? power : -power) : 0);
  const kwh = isps.reduce((sum, isp) => sum + along(option.powers[isp.n]), 0) * hours / 1000;
  const need = isps.reduce((sum, isp) => sum + Math.abs(asked(isp)), 0);
  const met = isps.reduce((sum, isp) => sum + Math.min(Math.abs(asked(isp)), along(option.powers[isp.n])), 0);
  const price = number(option.price);
  const factor = number(option.min_activation_factor);
  return {
    kwh, more, covered: need ? met / need : null,
    perMwh: price !== null && kwh > 0 ? price / kwh * 1000 : null,
    least: price !== null && factor !== null ? price * factor : null,
  };
}
