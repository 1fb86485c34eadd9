import { useDueList } from "../../api/queries";
import { Panel } from "../../components/panel";
import { useCanEdit } from "../../session/session";
import { strings } from "../../strings";
import { dueColumns } from "./call-columns";
import { CustomerPages } from "./customer-pages";
import { ListChoice } from "./list-choice";

/** Who is expected soon and has not booked. */
export default function DuePanel() {
  const query = useDueList();
  const canEdit = useCanEdit();
  return (
    <Panel title={strings.callList.titles.due}>
      <div className="list-head">
        <ListChoice />
      </div>
      <CustomerPages list="due" query={query} columns={dueColumns(canEdit)} />
    </Panel>
  );
}
