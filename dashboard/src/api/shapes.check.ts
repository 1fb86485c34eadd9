/**
 * Checked by the compiler alone: each documented example of the OpenAPI has the shape that the dashboard takes it for.
 * A line that does not compile says which field has changed.
 */
import type openapi from "../../openapi.json";
import type { Relationships, Session, Stages, Timeline, Transition } from "./shapes";
import type {
  Actions,
  JourneyAnalytics,
  Predictions,
  SankeyData,
  Staff,
  StageMetrics,
  Tasks,
} from "./shapes-of-work";

type Paths = (typeof openapi)["paths"];
type Example<Operation> = Operation extends {
  responses: { 200: { content: { "application/json": { example: infer Shown } } } };
}
  ? Shown
  : never;
// The OpenAPI leaves out what is null in an example.
type Shown<Shape> = Shape extends readonly (infer Item)[]
  ? Shown<Item>[]
  : Shape extends object
    ? { [Name in keyof Shape as null extends Shape[Name] ? never : Name]: Shown<Shape[Name]> } & {
        [Name in keyof Shape as null extends Shape[Name] ? Name : never]?: Shown<Shape[Name]>;
      }
    : Shape;
type Has<Shape, Documented extends Shown<Shape>> = [Shape, Documented];

export type Checks = [
  Has<Session, Example<Paths["/v1/session"]["get"]>>,
  Has<Timeline, Example<Paths["/v1/portal/customers/{customer_id}/journey"]["get"]>>,
  Has<Transition, Example<Paths["/v1/portal/customers/{customer_id}/timeline"]["get"]>["timeline"][number]>,
  Has<SankeyData, Example<Paths["/v1/portal/analytics/sankey"]["get"]>>,
  Has<Relationships, Example<Paths["/v1/portal/relationships"]["get"]>>,
  Has<Stages, Example<Paths["/v1/stages"]["get"]>>,
  Has<Actions, Example<Paths["/v1/portal/actions"]["get"]>>,
  Has<Tasks, Example<Paths["/v1/portal/tasks"]["get"]>>,
  Has<Staff, Example<Paths["/v1/portal/staff"]["get"]>>,
  Has<JourneyAnalytics, Example<Paths["/v1/portal/analytics/customer-journey"]["get"]>>,
  Has<StageMetrics, Example<Paths["/v1/portal/analytics/stage-metrics"]["get"]>>,
  Has<Predictions, Example<Paths["/v1/portal/analytics/churn-predictions"]["get"]>>,
];
