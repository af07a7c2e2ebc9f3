// What can be done with a whole template.
import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso/router";
import { Icon } from "../../parts/icon";
import { Menu } from "../../parts/menu";
import { text } from "../../text";
import type { Rights, Template } from "./data";
import { DeprecateDialog, RestoreDialog } from "./deprecate";
import { DeleteDialog } from "./delete";
import { EditDialog } from "./edit";

export function TemplateMenu({ template, rights, again }: { template: Template; rights: Rights; again: () => void }) {
  const { route } = useLocation();
  const doing = useSignal<"" | "edit" | "deprecate" | "restore" | "delete">("");
  if (!rights.manages) return null;
  const isOld = template.state === "deprecated";
  const close = () => { doing.value = ""; };
  return (
    <>
      <Menu label={text.template.more} face={<Icon name="more" />}>
        <button class="menu-item" type="button" onClick={() => { doing.value = "edit"; }}>{text.template.edit}</button>
        {!isOld && <button class="menu-item" type="button" onClick={() => { doing.value = "deprecate"; }}>{text.template.deprecate}</button>}
        {(isOld || template.deprecation) && <button class="menu-item" type="button" onClick={() => { doing.value = "restore"; }}>{text.template.restore}</button>}
        {rights.deletes && <button class="menu-item" type="button" onClick={() => { doing.value = "delete"; }}>{text.template.delete}</button>}
      </Menu>
      {doing.value === "edit" && <EditDialog template={template} onClose={close} onDone={again} />}
      {doing.value === "deprecate" && <DeprecateDialog template={template} onClose={close} onDone={again} />}
      {doing.value === "restore" && <RestoreDialog template={template} onClose={close} onDone={again} />}
      {doing.value === "delete" && <DeleteDialog template={template} onClose={close} onDone={() => route("/templates")} />}
    </>
  );
}
