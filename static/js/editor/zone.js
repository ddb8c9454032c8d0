// Local time of a congestion point, whatever zone this machine is in.
function reader(zone) {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit',
  });
  return instant => Object.fromEntries(format.formatToParts(instant).map(part => [part.type, part.value]));
}

// Instant -> what an input of type datetime-local holds.
export function localText(iso, zone) {
  if (!iso || Number.isNaN(Date.parse(iso))) return '';
  const p = reader(zone)(new Date(iso));
  return `${p.year}-${p.month}-${p.day}T${p.hour}:${p.minute}`;
}

// And back. An hour that comes twice means its first; one that does not exist means the instant after the gap.
export function instantOf(text, zone) {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(text)) return null;
  const wanted = Date.parse(`${text.slice(0, 16)}Z`);
  if (Number.isNaN(wanted)) return null;
  const offsetAt = instant => Date.parse(`${localText(new Date(instant).toISOString(), zone)}Z`) - instant;
  const tries = [wanted - offsetAt(wanted - 86_400_000), wanted - offsetAt(wanted + 86_400_000)];
  const hit = tries.find(instant => instant + offsetAt(instant) === wanted) ?? Math.max(...tries);
  return new Date(hit).toISOString().replace('.000Z', 'Z');
}

export function clockText(iso, zone) {
  const p = reader(zone)(new Date(iso));
  return `${p.hour}:${p.minute}`;
}
