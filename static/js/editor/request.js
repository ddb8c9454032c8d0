// A request's rows as values: forecast, disposition and bounds per ISP. Pure.
import { power } from './numbers.js';

export const COLUMNS = ['forecast', 'disposition', 'min', 'max'];
export const DISPOSITIONS = ['Requested', 'Available'];

export function opened(draft, isps) {
  const rows = Object.fromEntries(isps.map(({ n }) => [n, { forecast: null, disposition: '', min: null, max: null }]));
  for (const [n, watts] of Object.entries(draft.forecast_w ?? {})) if (rows[n]) rows[n].forecast = watts;
  for (const isp of draft.isps ?? []) {
    for (let n = isp.start; n < isp.start + (isp.duration ?? 1); n += 1) {
      if (rows[n]) Object.assign(rows[n], { disposition: isp.disposition ?? '', min: isp.min_power, max: isp.max_power });
    }
  }
  return rows;
}

export const empty = row => !row.disposition && row.min === null && row.max === null;

// One entry per ISP: a finding names the entry that it concerns, and so points at one cell.
export function closed(rows) {
  const numbers = Object.keys(rows).map(Number).sort((a, b) => a - b);
  const forecast = numbers.filter(n => rows[n].forecast !== null).map(n => [n, rows[n].forecast]);
  const isps = numbers.filter(n => !empty(rows[n])).map(n => ({
    start: n, duration: 1, disposition: rows[n].disposition || null, min_power: rows[n].min, max_power: rows[n].max,
  }));
  return { isps, forecast_w: Object.fromEntries(forecast) };
}

// Between −capacity and +capacity the station is safe; what the forecast uses of that is gone.
export function derive(row, capacity) {
  if (typeof row.forecast !== 'number' || typeof capacity !== 'number') return false;
  row.max = capacity - row.forecast;
  row.min = -capacity - row.forecast;
  row.disposition = Math.abs(row.forecast) > capacity ? 'Requested' : 'Available';
  return true;
}

export function need(rows, minutes) {
  const asked = Object.values(rows).filter(row => row.disposition === 'Requested')
    .map(row => (row.max < 0 ? row.max : row.min > 0 ? row.min : 0)).filter(watts => typeof watts === 'number');
  const peak = asked.reduce((most, watts) => (Math.abs(watts) > Math.abs(most) ? watts : most), 0);
  return {
    peak, requested: Object.values(rows).filter(row => row.disposition === 'Requested').length,
    available: Object.values(rows).filter(row => row.disposition === 'Available').length,
    kwh: asked.reduce((sum, watts) => sum + Math.abs(watts), 0) * minutes / 60_000,
  };
}

// "r", "req", "Requested" and the like.
export function disposition(text) {
  const typed = text.trim().toLowerCase();
  return typed ? DISPOSITIONS.find(name => name.toLowerCase().startsWith(typed)) ?? null : '';
}

export function judged(rows, unit) {
  const tags = { min: 'MinPower', max: 'MaxPower', forecast: 'Forecast' };
  const found = [];
  for (const [n, row] of Object.entries(rows)) {
    for (const [column, tag] of Object.entries(tags)) {
      if (typeof row[column] !== 'string') continue;
      const read = power(row[column], unit);
      found.push({
        field: `ISP[${n}].${tag}`, severity: 'error', column, isp: Number(n),
        text: read.problem ?? `Typed in another unit: ${row[column]}. Type it again in ${unit}.`,
        mends: (read.readings ?? []).map(text => power(text, unit, '.')).filter(item => item.watts !== undefined)
          .map(({ watts }) => ({ label: `Read as ${watts / 1000} kW`, power: watts })),
      });
    }
    if (!empty(row) && (row.min === null || row.max === null)) {
      found.push({
        field: `ISP[${n}].${row.min === null ? 'MinPower' : 'MaxPower'}`, severity: 'error', mends: [],
        text: 'An ISP of a request has both bounds, MinPower and MaxPower. Clear the row to leave it out.',
      });
    }
  }
  return found;
}
