// Tabs of a page: each is a link with an address of its own.
import { count } from "../text/format";

export interface Tab { href: string; name: string; here: boolean; count?: number }

export function Tabs({ label, tabs }: { label: string; tabs: Tab[] }) {
  return (
    <nav class="tabs" aria-label={label}>{tabs.map((tab) => (
      <a key={tab.href} href={tab.href} aria-current={tab.here ? "page" : undefined}>{tab.name}{tab.count !== undefined && <> <span class="count">{count(tab.count)}</span></>}</a>
    ))}</nav>
  );
}
