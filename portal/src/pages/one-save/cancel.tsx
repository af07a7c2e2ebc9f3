// Cancelling a save, with what that means for the instance and for what was made.
import { useState } from "preact/hooks";
import { api, ask, type Schemas } from "../../api/client";
import { Button } from "../../parts/button";
import { Confirm } from "../../parts/confirm";
import { Name } from "../../parts/name";
import { text } from "../../text";

const words = text.save;

export function CancelSave({ save, done }: { save: Schemas["SaveView"]; done: () => void }) {
  const [open, setOpen] = useState(false);
  const act = () => ask(api.POST("/v1/saves/{id}/cancel", { params: { path: { id: save.save_id } } }));
  if (save.cancelled_at) return null;
  return (
    <>
      <Button kind="danger" onPress={() => setOpen(true)}>{words.cancel}</Button>
      {open && (
        <Confirm title={<>{words.cancelOf} <Name>{save.request.instance}</Name></>} label={words.cancelNow} keep={words.keep} done={words.cancelling} danger act={act} onClose={() => setOpen(false)} onDone={done}>
          {() => <p>{save.copy_of ? words.cancelCopy : words.cancelWhat}</p>}
        </Confirm>
      )}
    </>
  );
}
