// A template that comes with Prism: what is in it.
import { Badge } from "../../parts/badge";
import { Card, Head } from "../../parts/card";
import { Name } from "../../parts/name";
import { text } from "../../text";
import { gib } from "../../text/format";
import type { View } from "./data";
import { Up } from "./index";
import { launchOf } from "./launch";
import { LineageCard } from "./lineage";

export function BuiltIn({ view }: { view: Extract<View, { kind: "built-in" }> }) {
  return (
    <>
      <Head title={view.name} crumb={<Up />} badge={<Badge icon="prism">{text.templates.builtIn}</Badge>} lede={view.description}>
        <a class="button is-primary" href={launchOf(view.name)}>{text.template.launchAny(view.name)}</a>
      </Head>
      <div class="l-grid is-8-4">
        <LineageCard name={view.name} here={view.name} />
        <Card title={text.template.contains}>
          <dl class="facts">
            <div><dt>{text.template.packages}</dt><dd>{view.packages.map((one, at) => <span key={one}>{at > 0 && ", "}<Name>{one}</Name></span>)}</dd></div>
            <div><dt>{text.template.ports}</dt><dd>{view.ports.length > 0 ? view.ports.join(", ") : text.template.noPorts}</dd></div>
            <div><dt>{text.template.disk}</dt><dd>{gib(view.root_size_gib)}</dd></div>
          </dl>
        </Card>
      </div>
    </>
  );
}
