import { PlusOutlined } from "@ant-design/icons";
import {
  type Announcements,
  closestCenter,
  DndContext,
  KeyboardSensor,
  PointerSensor,
  type UniqueIdentifier,
  useSensor,
  useSensors,
} from "@dnd-kit/core";
import { SortableContext, sortableKeyboardCoordinates, verticalListSortingStrategy } from "@dnd-kit/sortable";
import { Button } from "antd";
import { useId } from "react";
import type { DraftStage } from "../../../rulebook/draft";
import { addStage, moveStage } from "../../../rulebook/edits";
import { stageTitle } from "../../../rulebook/problems";
import { ruleStrings } from "../../../strings/rules";
import { useEditing } from "./editing";
import { StageForm } from "./stage-form";

const NEAR = 6; // px that the pointer moves before a drag begins

/** The stages of one kind, which can be dragged, with the mouse or the keyboard. */
export function StageGroup({ kind, stages }: { kind: DraftStage["kind"]; stages: readonly DraftStage[] }) {
  const { edit } = useEditing();
  const sensors = useSensors(
    useSensor(PointerSensor, { activationConstraint: { distance: NEAR } }),
    useSensor(KeyboardSensor, { coordinateGetter: sortableKeyboardCoordinates }),
  );
  const id = useId();
  const t = ruleStrings.stageEditor;
  const texts = t[kind];
  return (
    <section aria-labelledby={id} className="stage-group">
      <h2 id={id}>{texts.title}</h2>
      <p className="secondary">{texts.hint}</p>
      <DndContext
        sensors={sensors}
        collisionDetection={closestCenter}
        accessibility={{
          announcements: announcements(stages),
          screenReaderInstructions: { draggable: t.moveHint },
        }}
        onDragEnd={({ active, over }) => {
          if (over !== null && over.id !== active.id)
            edit((draft) => moveStage(draft, String(active.id), String(over.id)));
        }}
      >
        <SortableContext items={stages.map((stage) => stage.id)} strategy={verticalListSortingStrategy}>
          {stages.length === 0 ? (
            <p className="secondary">{kind === "lapse" && t.lapse.empty}</p>
          ) : (
            <ol className="stage-forms">
              {stages.map((stage, index) => (
                <StageForm
                  key={stage.id}
                  stage={stage}
                  group={stages}
                  isEntry={kind === "growth" && index === 0}
                />
              ))}
            </ol>
          )}
        </SortableContext>
      </DndContext>
      <Button icon={<PlusOutlined aria-hidden />} onClick={() => edit((draft) => addStage(draft, kind))}>
        {texts.add}
      </Button>
    </section>
  );
}

function announcements(stages: readonly DraftStage[]): Announcements {
  const t = ruleStrings.stageEditor;
  const nameOf = (id: UniqueIdentifier) => {
    const stage = stages.find((one) => one.id === id);
    return stage === undefined ? "" : stageTitle(stage);
  };
  const placeOf = (id: UniqueIdentifier) => stages.findIndex((stage) => stage.id === id) + 1;
  return {
    onDragStart: ({ active }) => t.pickedUp(nameOf(active.id)),
    onDragOver: ({ active, over }) =>
      over === null ? undefined : t.moved(nameOf(active.id), placeOf(over.id), stages.length),
    onDragEnd: ({ active }) => t.dropped(nameOf(active.id)),
    onDragCancel: ({ active }) => t.moveCancelled(nameOf(active.id)),
  };
}
