/*
 * check_user.c - check what is charged to users. It is compared with what processes and objects
 * have.
 *
 * A user may hold more than was found: what ended processes still have while somebody refers to
 * them, and handles of files that were just opened.
 */
#include "vm/base/user.h"
#include "vm/look/check.h"
#include "vm/process/environ.h"

static struct vm_user *found_of(struct check *check, struct vm_user *user)
{
	struct vm_user *found = g_hash_table_lookup(check->charges, user);

	if (found == NULL) {
		found = g_new0(struct vm_user, 1);
		g_hash_table_insert(check->charges, user, found);
	}
	return found;
}

void check_note(struct check *check, struct vm_user *user, enum vm_resource what, uint64_t n)
{
	struct vm_user *found = found_of(check, user);

	found->held[what] += n;
	found->refs += what == VM_PROCESSES || what == VM_HANDLES;
}

void check_environ(struct check *check, struct vm_environ *environ)
{
	if (g_hash_table_contains(check->charges, environ))
		return;
	g_hash_table_insert(check->charges, environ, NULL);
	check_note(check, environ->user, VM_NOTES, environ->size);
	found_of(check, environ->user)->refs++;
}

/* Compare what USER holds with what was found, and add it to SUM. */
static void check_user(struct check *check, struct vm_user *user, uint64_t *sum)
{
	static const char *const names[VM_RESOURCES] = {[VM_AREAS] = "areas",
	                                                [VM_PROCESSES] = "processes",
	                                                [VM_FDS] = "descriptors",
	                                                [VM_HANDLES] = "handles"};
	const struct vm_user *found = found_of(check, user);

	for (int what = 0; what < VM_RESOURCES; what++) {
		sum[what] += user->held[what];
		if (names[what] != NULL && user->held[what] != found->held[what])
			check_complain(check, "user %u: %lu %s, counted %lu", user->uid,
			               user->held[what], names[what], found->held[what]);
	}
	if (user->refs < found->refs)
		check_complain(check, "user %u: %u references, counted %u", user->uid, user->refs,
		               found->refs);
	if (user->held[VM_NOTES] < found->held[VM_NOTES])
		check_complain(check, "user %u: %lu bytes of notes, counted %lu", user->uid,
		               user->held[VM_NOTES], found->held[VM_NOTES]);
}

void check_users(struct check *check)
{
	const struct vm_machine *machine = check->machine;
	uint64_t sum[VM_RESOURCES] = {0};

	for (size_t i = 0; i < G_N_ELEMENTS(machine->users); i++)
		for (struct vm_user *user = machine->users[i]; user != NULL; user = user->next)
			check_user(check, user, sum);
	for (int what = 0; what < VM_RESOURCES; what++)
		check_compare(check, "units that all users hold", machine->held[what], sum[what]);
}
