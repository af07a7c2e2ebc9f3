// With whom a template is shared, in short, for the template's overview.
import { Card } from "../../parts/card";
import { Icon } from "../../parts/icon";
import { Name } from "../../parts/name";
import { at } from "../../parts/place";
import { text } from "../../text";
import { dated } from "../../text/format";
import { useSignal } from "@preact/signals";
import { Button } from "../../parts/button";
import type { Grant, Shares, Template } from "../template/data";
import { Grantee, GranteeIcon, kindOf, spoken } from "./grantee";
import { UnshareDialog } from "./unshare";

/** How many are listed here; the page of shares has all. */
const MOST = 5;

export function SharedWith({ template, shares: { grants }, again }: { template: Template; shares: Shares; again: () => void }) {
  const leaving = useSignal<Grant | undefined>(undefined);
  const outside = template.visibility === "public" || grants?.some((grant) => /^(account|organization|public)/.test(grant.to));
  return (
    <Card title={text.share.title} end={grants && <p>{text.share.count(grants.length)}</p>} foot={grants && grants.length > MOST && <a href={at("templates", template.name, "sharing")}>{text.share.all(grants.length)}</a>}>
      <ul class="list is-icon">
        {(grants ?? []).slice(0, MOST).map((grant) => (
          <li key={grant.to}>
            <GranteeIcon to={grant.to} />
            <div class="list-main"><Grantee to={grant.to} /><span class="sub">{kindOf(grant.to)}{text.share.by}<Name mono={false}>{grant.by}</Name>, {dated(grant.at)}</span></div>
            <Button kind="quiet" label={text.share.unshareWith(spoken(grant.to))} onPress={() => { leaving.value = grant; }}>{text.share.unshare}</Button>
          </li>
        ))}
        {grants?.length === 0 && <li><Icon name="lock" /><div class="list-main">{text.share.nobody}<span class="sub">{text.share.nobodyWhy}</span></div></li>}
        {grants === undefined && <li><Icon name="lock" /><div class="list-main">{text.visibility[template.visibility]}<span class="sub">{text.share.notYours}</span></div></li>}
        {grants !== undefined && grants.length > 0 && !outside && <li><Icon name="lock" /><div class="list-main">{text.share.inside}<span class="sub">{text.share.insideWhy}</span></div></li>}
      </ul>
      {leaving.value && <UnshareDialog template={template} grant={leaving.value} onClose={() => { leaving.value = undefined; }} onDone={again} />}
    </Card>
  );
}
