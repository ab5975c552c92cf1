/*
 * calls_wait.c - wait4 and waitid. Linux: kernel/exit.c, do_wait.
 */
#include "fs/run/calls.h"
#include "fs/run/exit.h"
#include "fs/run/rusage.h"

#include <string.h>
#include <sys/wait.h>

/* For whom and what is waited. */
struct wait_query {
	idtype_t type; /* P_ALL, P_PID, P_PGID */
	pid_t id;
	unsigned options; /* of waitid */
};

/* What was found. */
struct wait_news {
	pid_t pid;  /* 0: nothing */
	int status; /* of wait4 */
	siginfo_t info;
	struct rusage used;
};

/* --- One child -------------------------------------------------------------------------------- */

static bool is_eligible(const struct wait_query *query, const struct program *child)
{
	bool clone = child->exit_signal != SIGCHLD;

	if (query->type == P_PID && child->pid != query->id)
		return false;
	if (query->type == P_PGID && child->group != query->id)
		return false;
	return (query->options & __WALL) || clone == ((query->options & __WCLONE) != 0);
}

static void note_news(struct wait_news *news, const struct program *child, int code, int status)
{
	news->pid = child->pid;
	news->info = signal_info(SIGCHLD, code, child->pid, vm_process_cred(child->process).uid);
	news->info.si_status = status;
}

/* Take the end of CHILD, a zombie, which is gone with that unless WNOWAIT. */
static void take_end_locked(const struct wait_query *query, struct program *child,
                            struct wait_news *news)
{
	struct program *parent = child->parent;
	siginfo_t info;

	program_end_info(child, &info);
	note_news(news, child, info.si_code, info.si_status);
	news->status = child->status;
	rusage_fill(&news->used, child, true);
	if (query->options & WNOWAIT)
		return;
	parent->children_used.user += child->used.user + child->children_used.user;
	parent->children_used.system += child->used.system + child->children_used.system;
	program_release_locked(child);
}

static bool take_news_locked(const struct wait_query *query, struct program *child,
                             struct wait_news *news)
{
	bool keep = query->options & WNOWAIT;

	if (child->waitable && (query->options & WEXITED)) {
		take_end_locked(query, child, news);
		return true;
	}
	rusage_fill(&news->used, child, true);
	if (child->stop_news != 0 && (query->options & WSTOPPED)) {
		note_news(news, child, CLD_STOPPED, child->stop_news);
		news->status = W_STOPCODE(child->stop_news);
		child->stop_news = keep ? child->stop_news : 0;
		return true;
	}
	if (child->continue_news && (query->options & WCONTINUED)) {
		note_news(news, child, CLD_CONTINUED, SIGCONT);
		news->status = __W_CONTINUED;
		child->continue_news = keep;
		return true;
	}
	return false;
}

/* --- All children ----------------------------------------------------------------------------- */

/* 0: *NEWS is set, with pid 0 if there is nothing now. -ECHILD: there is nobody to wait for. */
static int look_locked(struct program *parent, const struct wait_query *query,
                       struct wait_news *news)
{
	int error = -ECHILD;

	*news = (struct wait_news){0};
	for (struct list_link *l = parent->children.next; l != &parent->children; l = l->next) {
		struct program *child = LIST_ENTRY(l, struct program, sibling);
		if (!is_eligible(query, child))
			continue;
		error = 0;
		if (take_news_locked(query, child, news))
			break;
	}
	return error;
}

/* 0, -ECHILD, or what call_sleep_locked returns. */
static int64_t do_wait(struct call *call, const struct wait_query *query, struct wait_news *news)
{
	struct program *program = call->program;

	run_lock(call->run);
	int64_t result = look_locked(program, query, news);
	if (result == 0 && news->pid == 0 && !(query->options & WNOHANG))
		result = call_sleep_locked(call, program, -1);
	run_unlock(call->run);
	return result;
}

/* --- The calls -------------------------------------------------------------------------------- */

/* Whom wait4 waits for by the argument PID. */
static struct wait_query query_of(const struct program *program, pid_t pid, unsigned options)
{
	struct wait_query query = {.type = P_PID, .id = pid, .options = options | WEXITED};

	if (pid == -1)
		query.type = P_ALL;
	else if (pid <= 0)
		query.type = P_PGID;
	if (pid < -1)
		query.id = -pid;
	else if (pid == 0)
		query.id = program->group;
	return query;
}

int64_t sys_wait4(struct call *call)
{
	const unsigned known = WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL;
	unsigned options = (unsigned)call->arg[2];
	struct wait_news news;

	if (options & ~known)
		return -EINVAL;
	if ((pid_t)call->arg[0] == INT_MIN)
		return -ESRCH;
	const struct wait_query query = query_of(call->program, (pid_t)call->arg[0], options);
	int64_t result = do_wait(call, &query, &news);
	if (result != 0 || news.pid == 0)
		return result;
	if (call->arg[3] != 0 && call_put(call, call->arg[3], &news.used, sizeof news.used) != 0)
		return -EFAULT;
	if (call->arg[1] != 0 &&
	    call_put(call, call->arg[1], &news.status, sizeof news.status) != 0)
		return -EFAULT;
	return news.pid;
}

int64_t sys_waitid(struct call *call)
{
	const unsigned known =
	    WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL;
	struct wait_query query = {.type = (idtype_t)call->arg[0],
	                           .id = (pid_t)call->arg[1],
	                           .options = (unsigned)call->arg[3]};
	struct wait_news news;

	if ((query.options & ~known) || !(query.options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	if (query.type != P_ALL && query.type != P_PID && query.type != P_PGID)
		return -EINVAL;
	if ((query.type == P_PID && query.id <= 0) || (query.type == P_PGID && query.id < 0))
		return -EINVAL;
	if (query.type == P_PGID && query.id == 0)
		query.id = call->program->group;
	int64_t result = do_wait(call, &query, &news);
	if (result != 0)
		return result;
	if (call->arg[4] != 0 && news.pid != 0 &&
	    call_put(call, call->arg[4], &news.used, sizeof news.used) != 0)
		return -EFAULT;
	/* Of siginfo the kernel stores what SIGCHLD has, no more. */
	if (call->arg[2] != 0)
		result = call_put(call, call->arg[2], &news.info, 28);
	return result;
}
