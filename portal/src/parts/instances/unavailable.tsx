// The Regions that did not answer: their instances are missing from the list.
import type { Schemas } from "../../api/client";
import { text } from "../../text";
import { Note } from "../note";

export function Unavailable({ regions }: { regions: Schemas["UnavailableRegion"][] }) {
  if (regions.length === 0) return null;
  return (
    <Note tone="warn">
      <p><b>{text.instances.unavailable(regions.map(({ region }) => region).join(", "))}</b> {regions[0]?.message}</p>
    </Note>
  );
}
