//! Tools of tasks.

use rmcp::model::CallToolResult;
use rmcp::{tool, tool_router};

use super::GoalsTools;
use super::answer::{ItemAnswer, WriteAnswer, changed, task_answer};
use super::args::{day, request};
use super::call::error_text;
use super::task_args::{
    CompleteTaskArgs, CreateTaskArgs, CreateTasksArgs, DeleteTaskArgs, LinkTasksArgs, NewTaskArgs,
    RescheduleArgs, TaskChangeArgs, UpdateTaskArgs, UpdateTasksArgs, check_batch, ids, minutes,
    new_task, update,
};
use super::view::{TaskView, id};
use crate::goals::item::id::ItemKind;
use crate::goals::item::{GoalsItem, ItemBody};
use crate::goals::journal::action::{
    GoalsAction, ItemDeletion, ItemUpdate, KnownItem, NewItem, TaskCompletion,
};
use crate::goals::journal::patch::{ItemPatch, TaskPatch};
use crate::goals::service::dates;
use crate::kernel::arguments::Arguments;
use crate::kernel::schema::{input_schema, output_schema};
use crate::kernel::toolset::CallPrincipal;

#[tool_router(router = task_tools, vis = "pub(super)")]
impl GoalsTools {
    #[tool(
        title = "Create a task",
        annotations(read_only_hint = false, destructive_hint = false, open_world_hint = false),
        description = "Creates a task, once or repeating.",
        input_schema = input_schema::<CreateTaskArgs>(),
        output_schema = output_schema::<ItemAnswer<TaskView>>()
    )]
    async fn create_task(
        &self,
        Arguments(args): Arguments<CreateTaskArgs>,
        principal: CallPrincipal,
    ) -> Result<CallToolResult, String> {
        let scene = self.scene(principal, args.user_id.as_deref()).await?;
        let new = NewTaskArgs {
            title: args.title.clone(),
            description: args.description.clone(),
            goal_id: args.goal_id.clone(),
            parent_id: args.parent_id.clone(),
            due_date: args.due_date.clone(),
            start_date: args.start_date.clone(),
            deadline: args.deadline.clone(),
            priority: args.priority,
            estimated_duration: args.estimated_duration,
            labels: args.labels.clone(),
            needs: args.needs.clone(),
            reminders: args.reminders.clone(),
        };
        let (task, notes) = new_task(&new, &scene.time.now)?;
        let action = GoalsAction::Create(vec![NewItem::new(ItemBody::Task(task))]);
        let outcome = self
            .write(
                &scene,
                "create_task",
                &request(args.request_id.as_ref(), args.dry_run),
                &args,
                action,
            )
            .await?;
        let (item, task) = changed(&outcome, GoalsItem::task).ok_or("Nothing was created.")?;
        let prose = format!("Created the task {:?}.", task.title);
        Ok(task_answer(item, task, &scene, notes, prose))
    }

    #[tool(
        title = "Create tasks",
        annotations(read_only_hint = false, destructive_hint = false, open_world_hint = false),
        description = "Creates up to 100 tasks: all, or none.",
        input_schema = input_schema::<CreateTasksArgs>(),
        output_schema = output_schema::<WriteAnswer>()
    )]
    async fn create_tasks(
        &self,
        Arguments(args): Arguments<CreateTasksArgs>,
        principal: CallPrincipal,
    ) -> Result<CallToolResult, String> {
        let scene = self.scene(principal, args.user_id.as_deref()).await?;
        check_batch(args.tasks.len())?;
        let (mut items, mut notes) = (Vec::new(), Vec::new());
        for (number, task) in args.tasks.iter().enumerate() {
            let (task, hints) = new_task(task, &scene.time.now)
                .map_err(|error| format!("Task {}: {error}", number + 1))?;
            items.push(NewItem::new(ItemBody::Task(task)));
            notes.extend(hints);
        }
        let action = GoalsAction::Create(items);
        self.write_many(
            &scene,
            "create_tasks",
            &request(args.request_id.as_ref(), args.dry_run),
            &args,
            action,
            notes,
        )
        .await
    }

    #[tool(
        title = "Change a task",
        annotations(read_only_hint = false, destructive_hint = false, open_world_hint = false),
        description = "Changes fields of a task; the others stay.",
        input_schema = input_schema::<UpdateTaskArgs>(),
        output_schema = output_schema::<ItemAnswer<TaskView>>()
    )]
    async fn update_task(
        &self,
        Arguments(args): Arguments<UpdateTaskArgs>,
        principal: CallPrincipal,
    ) -> Result<CallToolResult, String> {
        let scene = self.scene(principal, args.user_id.as_deref()).await?;
        let change = TaskChangeArgs {
            task_id: args.task_id.clone(),
            if_rev: args.if_rev,
            title: args.title.clone(),
            description: args.description.clone(),
            status: args.status,
            priority: args.priority,
            goal_id: args.goal_id.clone(),
            parent_id: args.parent_id.clone(),
            due_date: args.due_date.clone(),
            repeats: args.repeats.clone(),
            start_date: args.start_date.clone(),
            deadline: args.deadline.clone(),
            estimated_duration: args.estimated_duration,
            labels: args.labels.clone(),
            reminders: args.reminders.clone(),
        };
        let (update, notes) = update(&change, &scene)?;
        let task = update.item.id.clone();
        let action = GoalsAction::Update(vec![update]);
        let outcome = self
            .write(
                &scene,
                "update_task",
                &request(args.request_id.as_ref(), args.dry_run),
                &args,
                action,
            )
            .await?;
        if let Some((item, task)) = changed(&outcome, GoalsItem::task) {
            let prose = format!("Changed the task {:?}.", task.title);
            return Ok(task_answer(item, task, &scene, notes, prose));
        }
        let item =
            self.service.item(&scene.caller, &task, ItemKind::Task).await.map_err(error_text)?;
        let task = item.task().ok_or("It is no task.")?;
        Ok(task_answer(&item, task, &scene, notes, "Nothing to change.".to_owned()))
    }

    #[tool(
        title = "Change tasks",
        annotations(read_only_hint = false, destructive_hint = false, open_world_hint = false),
        description = "Changes up to 100 tasks: all, or none.",
        input_schema = input_schema::<UpdateTasksArgs>(),
        output_schema = output_schema::<WriteAnswer>()
    )]
    async fn update_tasks(
        &self,
        Arguments(args): Arguments<UpdateTasksArgs>,
        principal: CallPrincipal,
    ) -> Result<CallToolResult, String> {
        let scene = self.scene(principal, args.user_id.as_deref()).await?;
        check_batch(args.tasks.len())?;
        let (mut updates, mut notes) = (Vec::new(), Vec::new());
        for (number, task) in args.tasks.iter().enumerate() {
            let (update, hints) =
                update(task, &scene).map_err(|error| format!("Task {}: {error}", number + 1))?;
            updates.push(update);
            notes.extend(hints);
        }
        let action = GoalsAction::Update(updates);
        self.write_many(
            &scene,
            "update_tasks",
            &request(args.request_id.as_ref(), args.dry_run),
            &args,
            action,
            notes,
        )
        .await
    }

    #[tool(
        title = "Complete a task",
        annotations(read_only_hint = false, destructive_hint = false, open_world_hint = false),
        description = "Completes a task. One that repeats gets its next due date.",
        input_schema = input_schema::<CompleteTaskArgs>(),
        output_schema = output_schema::<ItemAnswer<TaskView>>()
    )]
    async fn complete_task(
        &self,
        Arguments(args): Arguments<CompleteTaskArgs>,
        principal: CallPrincipal,
    ) -> Result<CallToolResult, String> {
        let scene = self.scene(principal, args.user_id.as_deref()).await?;
        let now = &scene.time.now;
        let occurrence = args.occurrence.as_deref().map(|phrase| day("occurrence", phrase, now));
        let spent = args.spent_minutes.map(|spent| minutes("spent_minutes", spent)).transpose()?;
        let action = GoalsAction::Complete(TaskCompletion {
            task: KnownItem { id: id("task_id", &args.task_id)?, if_rev: args.if_rev },
            occurrence: occurrence.transpose()?,
            spent_minutes: spent,
            at: now.clone(),
        });
        let outcome = self
            .write(
                &scene,
                "complete_task",
                &request(args.request_id.as_ref(), args.dry_run),
                &args,
                action,
            )
            .await?;
        let (item, task) = changed(&outcome, GoalsItem::task).ok_or("Nothing was completed.")?;
        let view = TaskView::of(item, task, now);
        let prose = match &view.due {
            Some(due) if task.status.is_open() => {
                format!("Completed {:?}; it is due next on {due}.", task.title)
            }
            _ => format!("Completed {:?}.", task.title),
        };
        Ok(task_answer(item, task, &scene, Vec::new(), prose))
    }

    #[tool(
        title = "Move tasks to another date",
        annotations(read_only_hint = false, destructive_hint = false, open_world_hint = false),
        description = "Gives tasks a new due date. Tasks that repeat still do.",
        input_schema = input_schema::<RescheduleArgs>(),
        output_schema = output_schema::<WriteAnswer>()
    )]
    async fn reschedule_tasks(
        &self,
        Arguments(args): Arguments<RescheduleArgs>,
        principal: CallPrincipal,
    ) -> Result<CallToolResult, String> {
        let scene = self.scene(principal, args.user_id.as_deref()).await?;
        check_batch(args.task_ids.len())?;
        let now = &scene.time.now;
        let due = dates::due("due_date", &args.due_date, now).map_err(error_text)?;
        if due.series.is_some() {
            return Err("due_date: to change how a task repeats, use update_task.".to_owned());
        }
        let update = |id| ItemUpdate {
            item: KnownItem { id, if_rev: None },
            patch: ItemPatch::Task(Box::new(TaskPatch {
                due: Some(Some(due.due.clone())),
                ..TaskPatch::default()
            })),
            now: now.clone(),
        };
        let updates = ids("task_ids", &args.task_ids)?.into_iter().map(update).collect();
        let action = GoalsAction::Update(updates);
        self.write_many(
            &scene,
            "reschedule_tasks",
            &request(args.request_id.as_ref(), args.dry_run),
            &args,
            action,
            due.notes,
        )
        .await
    }

    #[tool(
        title = "Delete a task",
        annotations(read_only_hint = false, destructive_hint = true, open_world_hint = false),
        description = "Moves a task with its subtasks to the bin for 30 days; undo brings them back.",
        input_schema = input_schema::<DeleteTaskArgs>(),
        output_schema = output_schema::<WriteAnswer>()
    )]
    async fn delete_task(
        &self,
        Arguments(args): Arguments<DeleteTaskArgs>,
        principal: CallPrincipal,
    ) -> Result<CallToolResult, String> {
        let scene = self.scene(principal, args.user_id.as_deref()).await?;
        let item = KnownItem { id: id("task_id", &args.task_id)?, if_rev: args.if_rev };
        let action = GoalsAction::Delete(ItemDeletion { items: vec![item], with_tasks: true });
        self.write_many(
            &scene,
            "delete_task",
            &request(args.request_id.as_ref(), args.dry_run),
            &args,
            action,
            Vec::new(),
        )
        .await
    }

    #[tool(
        title = "Link tasks",
        annotations(read_only_hint = false, destructive_hint = false, open_world_hint = false),
        description = "Says which tasks must be done before a task, or that they need not. A circle is refused.",
        input_schema = input_schema::<LinkTasksArgs>(),
        output_schema = output_schema::<WriteAnswer>()
    )]
    async fn link_tasks(
        &self,
        Arguments(args): Arguments<LinkTasksArgs>,
        principal: CallPrincipal,
    ) -> Result<CallToolResult, String> {
        let scene = self.scene(principal, args.user_id.as_deref()).await?;
        let needs = ids("needs", &args.needs)?;
        let patch = if args.remove.unwrap_or(false) {
            TaskPatch { remove_needs: needs, ..TaskPatch::default() }
        } else {
            TaskPatch { add_needs: needs, ..TaskPatch::default() }
        };
        let update = ItemUpdate {
            item: id("task_id", &args.task_id)?.into(),
            patch: ItemPatch::Task(Box::new(patch)),
            now: scene.time.now.clone(),
        };
        let action = GoalsAction::Update(vec![update]);
        self.write_many(
            &scene,
            "link_tasks",
            &request(args.request_id.as_ref(), args.dry_run),
            &args,
            action,
            Vec::new(),
        )
        .await
    }
}
