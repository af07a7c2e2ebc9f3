// One template: its versions, where it comes from, who sees it, and what it costs.
import { useSignal } from "@preact/signals";
import { me } from "../../api/shared";
import { isMe } from "../../sign-in";
import { Head } from "../../parts/card";
import { Name } from "../../parts/name";
import { Loaded } from "../../parts/note";
import { useOnce } from "../../parts/once";
import { at } from "../../parts/place";
import { SeenBadge } from "../../parts/seen";
import { Tabs } from "../../parts/tabs";
import { Badge } from "../../parts/badge";
import { text } from "../../text";
import { count, moment } from "../../text/format";
import { History } from "../audit/history";
import { ShareDialog } from "../share/dialog";
import { Sharing } from "../share";
import { BuiltIn } from "./built-in";
import { type Saved, type Shares, type Whole, useShares, useTemplate } from "./data";
import { launchOf } from "./launch";
import { TemplateMenu } from "./menu";
import { OutlookNote, isDeprecated } from "./outlook";
import { Overview } from "./overview";
import { Packages } from "./packages";

interface Props {
  name: string;
  tab?: string;
}

export function Template({ name, tab = "overview" }: Props) {
  const whole = useTemplate(name);
  const shares = useShares(name, whole.data?.view.kind === "saved");
  return (
    <>
      {whole.data ? null : <Head title={name} crumb={<Up />} />}
      <Loaded live={whole}>{({ view, versions }) => (view.kind === "built-in"
        ? <BuiltIn view={view} />
        : <SavedTemplate view={view} versions={versions} tab={tab} shares={shares.data ?? {}} again={() => { whole.again(); shares.again(); }} />)}
      </Loaded>
    </>
  );
}

export function Up() {
  return <a href="/templates">{text.templates.title}</a>;
}

interface SavedProps {
  view: Saved;
  versions: Whole["versions"];
  tab: string;
  shares: Shares;
  again: () => void;
}

function SavedTemplate({ view, versions, tab, shares, again }: SavedProps) {
  const { template } = view;
  const { name } = template;
  const sharing = useSignal(false);
  const mine = isMe(template.owner);
  const own = useOnce("me", me);
  const manages = mine || shares.grants !== undefined;
  const deletes = mine || Boolean(own.data?.projects?.some((project) => project.name === template.project && project.role === "owner"));
  const rights = { manages, deletes };
  const tabs = [
    { id: "overview", name: text.template.tabs.overview },
    { id: "packages", name: text.template.tabs.packages, count: view.version.packages ?? undefined },
    { id: "sharing", name: text.template.tabs.sharing, count: shares.grants?.length },
    ...(manages ? [{ id: "history", name: text.template.tabs.history }] : []),
  ].map(({ id, ...rest }) => ({ ...rest, id, href: id === "overview" ? at("templates", name) : at("templates", name, id), here: id === tab }));
  return (
    <>
      <Head
        title={name}
        crumb={<><Up />{template.project && <><span aria-hidden="true">/</span><span>{text.templates.of}<a href={at("projects", template.project)}><Name>{template.project}</Name></a></span></>}</>}
        badge={<><SeenBadge visibility={template.visibility} />{isDeprecated(template) && <Badge icon="warn" tone="warn">{text.templateState.deprecated}</Badge>}</>}
        lede={<Lede template={template} />}
      >
        <TemplateMenu template={template} rights={rights} again={again} />
        {manages && <button class="button" type="button" onClick={() => { sharing.value = true; }}>{text.template.share}</button>}
        <a class="button is-primary" href={launchOf(name, template.latest)}>{text.template.launch(name, template.latest)}</a>
      </Head>
      <OutlookNote name={name} of={template} />
      <Tabs label={text.template.tabs.label} tabs={tabs} />
      {tab === "packages" && <Packages name={name} versions={versions} latest={template.latest} />}
      {tab === "sharing" && <Sharing template={template} shares={shares} again={again} />}
      {tab === "history" && <History resource={`template:${name}`} />}
      {tab === "overview" && <Overview view={view} versions={versions} shares={shares} rights={rights} again={again} />}
      {sharing.value && <ShareDialog template={template} onClose={() => { sharing.value = false; }} onDone={again} />}
    </>
  );
}

function Lede({ template }: { template: Saved["template"] }) {
  const { owner, original_template: from, launches, last_launched_by: by, last_launched_at: when } = template;
  return (
    <>
      {template.description && <span dir="auto">{template.description}</span>}
      <span class="sub">
        {text.template.owned}<Name mono={false}>{owner}</Name>
        {from && <>{text.template.madeFrom}<a href={at("templates", from)}><Name>{from}</Name></a></>}
        {text.template.launched(launches, count(launches))}
        {by && when && <>{text.template.lastBy}<Name mono={false}>{by}</Name>, {moment(when)}</>}.
      </span>
    </>
  );
}
