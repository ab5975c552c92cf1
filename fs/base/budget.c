/*
 * budget.c - see budget.h.
 */
#include "fs/base/budget.h"

#include "util/list.h"

#include <pthread.h>

enum { LISTS = 64 };

/* A user who holds something. */
struct budget_user {
	struct list_link link;
	uid_t uid;
	size_t held;
};

struct fs_budget {
	pthread_mutex_t lock;
	/* Under lock. */
	struct list_link users[LISTS];
	size_t held; /* by all users */
};

struct fs_budget *fs_budget_new(void)
{
	struct fs_budget *budget = g_new0(struct fs_budget, 1);

	pthread_mutex_init(&budget->lock, NULL);
	for (int i = 0; i < LISTS; i++)
		list_init(&budget->users[i]);
	return budget;
}

void fs_budget_free(struct fs_budget *budget)
{
	pthread_mutex_destroy(&budget->lock);
	g_free(budget);
}

/* The user UID, made if need be. NULL: there is no memory. */
static struct budget_user *get_user_locked(struct fs_budget *budget, uid_t uid)
{
	struct list_link *list = &budget->users[uid % LISTS];
	struct budget_user *user;

	for (struct list_link *l = list->next; l != list; l = l->next) {
		user = LIST_ENTRY(l, struct budget_user, link);
		if (user->uid == uid)
			return user;
	}
	user = g_try_new0(struct budget_user, 1);
	if (user == NULL)
		return NULL;
	user->uid = uid;
	list_append(list, &user->link);
	return user;
}

static void put_user_locked(struct budget_user *user)
{
	if (user->held > 0)
		return;
	list_remove(&user->link);
	g_free(user);
}

/* The user may have one PART-th of what the others leave. */
static bool resize_locked(struct budget_share *share, size_t bytes, unsigned part)
{
	struct fs_budget *budget = share->budget;
	struct budget_user *user = get_user_locked(budget, share->uid);
	bool fits;

	if (user == NULL)
		return false;
	size_t others = budget->held - user->held;
	size_t wanted = user->held - share->held + bytes;
	fits = bytes <= share->held || wanted <= (BUDGET_BYTES - others) / part;
	if (fits) {
		budget->held = others + wanted;
		user->held = wanted;
		share->held = bytes;
	}
	put_user_locked(user);
	return fits;
}

static bool resize(struct budget_share *share, size_t bytes, unsigned part)
{
	bool fits;

	if (share->budget == NULL || share->held == bytes)
		return true;
	pthread_mutex_lock(&share->budget->lock);
	fits = resize_locked(share, bytes, part);
	pthread_mutex_unlock(&share->budget->lock);
	return fits;
}

bool budget_resize(struct budget_share *share, size_t bytes)
{
	return resize(share, bytes, 2);
}

bool budget_resize_spare(struct budget_share *share, size_t bytes)
{
	return resize(share, bytes, 4);
}

void budget_open(struct fs_budget *budget, uid_t uid, struct budget_share *share)
{
	*share = (struct budget_share){.budget = budget, .uid = uid};
}

void budget_close(struct budget_share *share)
{
	budget_resize(share, 0);
}
