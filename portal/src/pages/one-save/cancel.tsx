// Cancelling a save, with what that means for the instance and for what was made.
import { useState } from "preact/hooks";
import { api, ask, type Schemas } from "../../api/client";
import { useAct } from "../../parts/act";
import { Button } from "../../parts/button";
import { Dialog } from "../../parts/dialog";
import { Name } from "../../parts/name";
import { ProblemNote } from "../../parts/note";
import { toast } from "../../parts/toast";
import { text } from "../../text";

const words = text.save;

export function CancelSave({ save, done }: { save: Schemas["SaveView"]; done: () => void }) {
  const [open, setOpen] = useState(false);
  const close = () => setOpen(false);
  const act = useAct(close);
  const cancel = async () => {
    const worked = await act.run(() => ask(api.POST("/v1/saves/{id}/cancel", { params: { path: { id: save.save_id } } })));
    if (!worked) return;
    close();
    toast(words.cancelling);
    done();
  };
  if (save.cancelled_at) return null;
  return (
    <>
      <Button kind="danger" onPress={() => setOpen(true)}>{words.cancel}</Button>
      {open && (
        <Dialog
          title={<>{words.cancelOf} <Name>{save.request.instance}</Name></>}
          onClose={act.leave}
          foot={<>
            <Button large disabled={!act.leave} onPress={act.leave}>{words.keep}</Button>
            <Button large kind="danger" busy={act.busy} onPress={() => void cancel()}>{words.cancelNow}</Button>
          </>}
        >
          <p>{save.copy_of ? words.cancelCopy : words.cancelWhat}</p>
          {act.problem && <ProblemNote problem={act.problem} />}
        </Dialog>
      )}
    </>
  );
}
