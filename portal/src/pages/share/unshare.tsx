import { api, ask } from "../../api/client";
import { Confirm } from "../../parts/confirm";
import { Name } from "../../parts/name";
import { text } from "../../text";
import type { Grant, Template } from "../template/data";
import { spoken } from "./grantee";

/** Ends a share. What was launched goes on running. */
export function UnshareDialog({ template: { name }, grant, onClose, onDone }: { template: Template; grant: Grant; onClose: () => void; onDone: () => void }) {
  const to = spoken(grant.to);
  return (
    <Confirm
      title={<>{text.unshare.title} <Name>{name}</Name></>}
      label={text.unshare.label(to)}
      done={text.unshare.done(name, to)}
      danger
      act={() => ask(api.DELETE("/v1/templates/{name}/shares", { params: { path: { name }, query: { to: grant.to } } }))}
      onClose={onClose}
      onDone={onDone}
    >
      {() => (
        <ul class="marks is-list">
          <li>{text.unshare.cannot(to)}</li>
          <li>{text.unshare.running}</li>
          {grant.with_snapshots && <li class="text-warn">{text.unshare.copies}</li>}
        </ul>
      )}
    </Confirm>
  );
}
