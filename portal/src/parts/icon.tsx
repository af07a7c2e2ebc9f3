// The icons and the hatches, once in the page, and a part that refers to them.
const ICONS = {
  prism: <><path d="M8 2 14.5 13.5h-13Z" /><path d="M8 2v11.5" /></>,
  ok: <circle cx="8" cy="8" r="5" fill="currentColor" />,
  done: <path d="m3 8.5 3.5 3.5L13 4.5" />,
  busy: <><circle cx="8" cy="8" r="5.5" /><path d="M8 2.5a5.5 5.5 0 0 1 0 11Z" fill="currentColor" /></>,
  down: <path d="M8 2.5v10.5m-4.5-4.5L8 13l4.5-4.5" />,
  idle: <rect x="3.5" y="3.5" width="9" height="9" rx="1" />,
  warn: <><path d="M8 2.5 14.5 13.5h-13Z" /><path d="M8 6.5v3.2M8 11.6v.1" /></>,
  bad: <><circle cx="8" cy="8" r="6.25" /><path d="m5.8 5.8 4.4 4.4m0-4.4-4.4 4.4" /></>,
  wait: <circle cx="8" cy="8" r="5.5" stroke-dasharray="2 2.3" />,
  info: <><circle cx="8" cy="8" r="6.25" /><path d="M8 7.4v3.6M8 5v.1" /></>,
  close: <path d="m4 4 8 8m0-8-8 8" />,
  more: <path d="M3.5 8h.1M8 8h.1M12.5 8h.1" stroke-width="2.2" />,
  person: <><circle cx="8" cy="5.5" r="2.75" /><path d="M2.75 13.5c.6-2.7 2.7-4 5.25-4s4.65 1.3 5.25 4" /></>,
  group: <><circle cx="6" cy="5.75" r="2.5" /><path d="M1.5 13c.5-2.4 2.3-3.6 4.5-3.6S10 10.6 10.5 13M10.5 3.5a2.4 2.4 0 0 1 0 4.6M12 9.7c1.3.5 2.2 1.6 2.5 3.3" /></>,
  lock: <><rect x="3.5" y="7" width="9" height="6.5" rx="1" /><path d="M5.5 7V5a2.5 2.5 0 0 1 5 0v2" /></>,
};

export type IconName = keyof typeof ICONS;

export function Icon({ name, class: more = "" }: { name: IconName; class?: string }) {
  return <svg class={`icon ${more}`} viewBox="0 0 16 16" aria-hidden="true">{ICONS[name]}</svg>;
}

/** The patterns that plots fill with. */
export function Hatches() {
  return (
    <svg class="sprite" aria-hidden="true" focusable="false">
      <defs>
        <pattern id="hatch-down" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect class="hatch-ground" width="7" height="7" />
          <line class="hatch-mark" x1="0" y1="0" x2="0" y2="7" />
        </pattern>
        <pattern id="hatch-ahead" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <line class="hatch-ahead-mark" x1="0" y1="0" x2="0" y2="5" />
        </pattern>
      </defs>
    </svg>
  );
}
