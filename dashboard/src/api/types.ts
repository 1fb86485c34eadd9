/** Names for the API's response types, which are generated from `openapi.json`. */
import type { components } from "./generated";

type Schemas = components["schemas"];

export type Session = Schemas["BrowserSession"];

export type Stage = Schemas["Stage"];
export type Rule = Schemas["TransitionRule"];
export type Scoring = Schemas["Stages"]["scoring"];
export type RulebookVersion = Schemas["RulebookVersion"];
export type RulePreview = Schemas["Preview"];
export type PreviewMove = Schemas["PreviewMove"];
export type PreviewCustomer = Schemas["PreviewCustomer"];
export type Rollout = Schemas["Rollout"];

export type Journey = Schemas["Journey"];
export type Relationship = Schemas["Relationship"];
export type Profile = Schemas["CustomerProfile"];

export type Entry = Schemas["TimelinePage"]["timeline"][number];
export type TransitionEntryData = Extract<Entry, { kind: "transition" }>;
export type EventEntryData = Extract<Entry, { kind: "event" }>;
export type ActionEntryData = Extract<Entry, { kind: "action" }>;
export type ContactEntryData = Extract<Entry, { kind: "contact" }>;
export type JourneyFigures = Schemas["JourneyFigures"];
export type Explanation = Schemas["Explanation"];
export type ExplainedScore = Schemas["ExplainedScore"];
export type WhatIf = Schemas["WhatIf"];
export type CourseOfJourney = Schemas["CourseOfJourney"];
export type Assumption = Schemas["Assumption"];
export type Comparison = Schemas["Comparison"];

export type Action = Schemas["Action"];
export type ActionProblem = Schemas["ActionProblem"];
export type ActionProblemCount = Schemas["ActionProblemCount"];
export type ProblemName = ActionProblem["problem"];
export type RetryResult = Schemas["RetryResult"];

export type SentMessage = Schemas["SentMessage"];

export type Appointment = Schemas["ListedAppointment"];
export type NoShowModel = Schemas["NoShowModel"];
export type Attendance = Schemas["Attendance"];

export type Task = Schemas["Task"];
export type NewContact = Schemas["NewContact"];
export type ContactOutcome = NewContact["outcome"];
export type Outreach = Schemas["ActionRequest"]["type"];
export type CustomerMerge = Schemas["CustomerMerge"];
export type DuplicatePair = Schemas["DuplicatePair"];
export type StageChange = Schemas["StageChange"];

export type JourneyAnalytics = Schemas["JourneyAnalytics"];
export type SankeyData = Pick<Schemas["StageFlow"], "nodes" | "links">;
export type Revenue = Schemas["Revenue"];
export type StageMetric = Schemas["StageMetric"];
export type Factor = Schemas["ScoreFactor"];
export type CallListRow = Schemas["CallListRow"];
export type DueRow = Schemas["DueRow"];
export type Prediction = Schemas["ChurnPrediction"];
export type Predictions = Schemas["ChurnPredictions"];
