// What can be done with a whole template.
import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso/router";
import { api, ask } from "../../api/client";
import { Confirm } from "../../parts/confirm";
import { Icon } from "../../parts/icon";
import { Menu } from "../../parts/menu";
import { Name } from "../../parts/name";
import { text } from "../../text";
import { type Template, asItIs } from "./data";
import { DeleteDialog } from "./delete";
import { EditDialog } from "./edit";

export function TemplateMenu({ template, manages, again }: { template: Template; manages: boolean; again: () => void }) {
  const { route } = useLocation();
  const doing = useSignal<"" | "edit" | "deprecate" | "delete">("");
  if (!manages) return null;
  const old = template.state === "deprecated";
  const close = () => { doing.value = ""; };
  return (
    <>
      <Menu label={text.template.more} face={<Icon name="more" />}>
        <button class="menu-item" type="button" onClick={() => { doing.value = "edit"; }}>{text.template.edit}</button>
        <button class="menu-item" type="button" onClick={() => { doing.value = "deprecate"; }}>{old ? text.template.restore : text.template.deprecate}</button>
        <button class="menu-item" type="button" onClick={() => { doing.value = "delete"; }}>{text.template.delete}</button>
      </Menu>
      {doing.value === "edit" && <EditDialog template={template} onClose={close} onDone={again} />}
      {doing.value === "deprecate" && <Deprecate template={template} back={old} onClose={close} onDone={again} />}
      {doing.value === "delete" && <DeleteDialog template={template} onClose={close} onDone={() => route("/templates")} />}
    </>
  );
}

function Deprecate({ template: { name }, back, onClose, onDone }: { template: Template; back: boolean; onClose: () => void; onDone: () => void }) {
  const words = back ? text.restore : text.deprecate;
  const act = (_: boolean, { header }: Awaited<ReturnType<typeof asItIs>>) => {
    const params = { path: { name }, header };
    return ask(back ? api.POST("/v1/templates/{name}/restore", { params }) : api.POST("/v1/templates/{name}/deprecate", { params }));
  };
  return (
    <Confirm title={<>{words.title} <Name>{name}</Name></>} plan={() => asItIs(name)} label={words.label(name)} act={act} done={words.done(name)} onClose={onClose} onDone={onDone}>
      {() => <p>{words.plan}</p>}
    </Confirm>
  );
}
