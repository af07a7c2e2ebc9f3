// What can be done with a version: each is a question with its plan.
import { api, ask } from "../../api/client";
import { Confirm } from "../../parts/confirm";
import { Name } from "../../parts/name";
import { VisibleTo } from "../../parts/plan";
import { saveFile } from "../../parts/save-file";
import { text } from "../../text";
import { CopyDialog } from "./copy";
import { type Template, type Version, asItIs } from "./data";
import { DeprecateDialog, RestoreDialog } from "./deprecate";
import { DeleteDialog } from "./delete";
import { EditDialog } from "./edit";
import { isDeprecated } from "./outlook";

export interface Doing {
  what: "roll-back" | "edit" | "copy" | "export" | "deprecate" | "restore" | "delete";
  version: Version;
}

interface Props {
  doing: Doing;
  template: Template;
  onClose: () => void;
  onDone: () => void;
}

export function VersionDialog({ doing: { what, version }, ...rest }: Props) {
  if (what === "roll-back") return <RollBack version={version} {...rest} />;
  if (what === "edit") return <EditDialog version={version} {...rest} />;
  if (what === "copy") return <CopyDialog version={version} {...rest} />;
  if (what === "delete") return <DeleteDialog version={version.number} {...rest} />;
  if (what === "export") return <Export version={version} {...rest} />;
  return what === "restore" ? <RestoreDialog version={version.number} {...rest} /> : <DeprecateDialog version={version.number} {...rest} />;
}

type Now = Awaited<ReturnType<typeof asItIs>>;

interface One extends Omit<Props, "doing"> {
  version: Version;
}

/** Makes another version the one that the name alone refers to. */
function RollBack({ template, version, onClose, onDone }: One) {
  const { name } = template;
  const { number } = version;
  const send = (consent: boolean, { header }: Now, dryRun?: true) => {
    const query = { to: number, publish_sensitive: consent || undefined, dry_run: dryRun };
    return ask(api.POST("/v1/templates/{name}/rollback", { params: { path: { name }, query, header } }));
  };
  const plan = async (consent: boolean) => {
    const now = await asItIs(name);
    return { ...now, ...(await send(consent, now, true)) };
  };
  return (
    <Confirm title={<>{text.rollBack.title} <Name>{name}</Name></>} plan={plan} label={text.rollBack.label(name, number)} act={(consent, now) => send(consent, now)} done={text.rollBack.done(name, number)} onClose={onClose} onDone={onDone}>
      {(plan) => (
        <>
          <ul class="marks is-list">
            <li>{text.rollBack.launches(plan.to, plan.from)}</li>
            <li>{text.rollBack.running}</li>
            <li>{text.rollBack.kept(plan.from)}</li>
            {isDeprecated(version) && <li class="text-warn">{text.rollBack.deprecated(number)}</li>}
          </ul>
          <VisibleTo plan={plan} />
        </>
      )}
    </Confirm>
  );
}

function Export({ template, version, onClose, onDone }: One) {
  const { name } = template;
  const { number } = version;
  const file = `${name}-${number}.yaml`;
  const act = async () => {
    const asked = api.GET("/v1/templates/{name}/versions/{version}/export", { params: { path: { name, version: number } }, parseAs: "text" });
    // The file is kept as the API wrote it; its type describes what is in it.
    const yaml = await ask(asked as Promise<{ data?: unknown; error?: unknown; response: Response }>);
    saveFile(file, "application/yaml", String(yaml));
  };
  return (
    <Confirm title={<>{text.exporting.title} <Name>{`${name}@${number}`}</Name></>} label={text.exporting.label(file)} act={act} done={text.exporting.done(file)} onClose={onClose} onDone={onDone}>
      {() => <p>{text.exporting.plan}</p>}
    </Confirm>
  );
}
