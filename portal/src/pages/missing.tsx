import { Empty, Head } from "../parts/card";
import { text } from "../text";

export function Missing() {
  return (
    <>
      <Head title={text.missing.title} />
      <Empty title={text.missing.title} why={text.missing.lede}><a class="button" href="/">{text.missing.home}</a></Empty>
    </>
  );
}
