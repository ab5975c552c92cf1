/*
 * test_policy_pages.c - what a policy is told of pages, by one that writes it down.
 *
 * The policy of this test knows which page is in which frame, by its key, and which pages are away.
 * Each call of a function of the policy must fit what it knows. It chooses as fifo does.
 */
#include "tests/fixture/random_calls.h"
#include "vm/base/lock.h"
#include "vm/memory/frame.h"
#include "vm/policy/policy.h"
#include "vm/reclaim/evictable.h"

/* --- The policy ------------------------------------------------------------------------------- */

struct notes {
	/* frame number -> struct vm_page_key, as it was when the page was loaded */
	GHashTable *in;
	GHashTable *away; /* struct vm_page_key of pages that were evicted */
	unsigned loads, refaults, evictions, ends, losses;
};

static bool out_of_memory;
static unsigned alive; /* states made and not freed */

static guint key_hash(gconstpointer data)
{
	const struct vm_page_key *key = data;

	return (guint)(key->kind * 7 + key->owner * 31 + key->index);
}

static gboolean key_equal(gconstpointer a, gconstpointer b)
{
	const struct vm_page_key *x = a, *y = b;

	return x->kind == y->kind && x->owner == y->owner && x->index == y->index;
}

static struct notes *notes_of(const struct vm_machine *machine)
{
	return machine->policy_state;
}

static int notes_init(struct vm_machine *machine)
{
	if (out_of_memory)
		return -ENOMEM;
	struct notes *notes = g_new0(struct notes, 1);
	notes->in = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	notes->away = g_hash_table_new_full(key_hash, key_equal, g_free, NULL);
	machine->policy_state = notes;
	alive++;
	return 0;
}

static void notes_free(struct vm_machine *machine, void *state)
{
	struct notes *notes = state;

	g_hash_table_unref(notes->in);
	g_hash_table_unref(notes->away);
	g_free(notes);
	alive--;
}

static void notes_loaded(struct vm_machine *machine, vm_pfn pfn)
{
	struct notes *notes = notes_of(machine);
	struct vm_page_key key = frame_key_locked(machine, pfn);

	g_assert_true(
	    g_hash_table_insert(notes->in, GUINT_TO_POINTER(pfn), g_memdup2(&key, sizeof key)));
	notes->loads++;
	notes->refaults += g_hash_table_remove(notes->away, &key);
}

static void notes_used(struct vm_machine *machine, vm_pfn pfn)
{
	g_assert_true(g_hash_table_contains(notes_of(machine)->in, GUINT_TO_POINTER(pfn)));
}

static void notes_gone(struct vm_machine *machine, vm_pfn pfn, bool evicted)
{
	struct notes *notes = notes_of(machine);

	g_assert_true(g_hash_table_remove(notes->in, GUINT_TO_POINTER(pfn)));
	if (evicted) {
		struct vm_page_key key = frame_key_locked(machine, pfn), *away = &key;
		/* What may come back is in a file, an object's slot, or a slot. */
		g_assert_cmpint(away->kind, !=, VM_KEY_PLACE);
		notes->evictions++;
		g_assert_true(g_hash_table_add(notes->away, g_memdup2(away, sizeof *away)));
	} else {
		notes->ends++;
	}
}

static void notes_lost(struct vm_machine *machine, const struct vm_page_key *key)
{
	notes_of(machine)->losses += g_hash_table_remove(notes_of(machine)->away, key);
}

static const struct vm_policy noting = {
    .name = "noting",
    .init = notes_init,
    .free = notes_free,
    .loaded = notes_loaded,
    .used = notes_used,
    .gone = notes_gone,
    .lost = notes_lost,
    .choose = evictable_oldest_locked,
};

static int set_policy(struct pressure *p, const struct vm_policy *policy)
{
	machine_lock(p->f.machine);
	int error = policy_set_locked(p->f.machine, policy);
	machine_unlock(p->f.machine);
	return error;
}

/* The frames that the policy knows are those that are listed. */
static void assert_known(struct pressure *p)
{
	struct vm_machine *machine = p->f.machine;
	const struct notes *notes = notes_of(machine);

	machine_lock(machine);
	guint listed = 0;
	for (vm_pfn pfn = 0; pfn < machine->frame_pool.used; pfn++) {
		bool is_listed = machine->frames[pfn].flags & FRAME_LISTED;
		listed += is_listed;
		g_assert_cmpint(g_hash_table_contains(notes->in, GUINT_TO_POINTER(pfn)), ==,
		                is_listed);
	}
	g_assert_cmpuint(g_hash_table_size(notes->in), ==, listed);
	machine_unlock(machine);
}

/* --- One page at a time ----------------------------------------------------------------------- */

/* Pages that are evicted and read again come back under the key that they went by. */
static void test_comes_back(gconstpointer data)
{
	const int flags = GPOINTER_TO_INT(data);
	struct pressure p;

	pressure_begin_file(&p, 32);
	g_assert_cmpint(set_policy(&p, &noting), ==, 0);
	struct notes *notes = notes_of(p.f.machine);
	uint64_t va = SHARED_AT;
	if (flags != 0)
		va = map_pattern(p.f.process, ARENA, 4, flags, 'a');
	else
		assert_pattern(p.f.process, va, 4, 'a');
	g_assert_cmpuint(notes->loads, ==, 4);
	push_out(&p);
	g_assert_cmpuint(notes->evictions, ==, 4);
	g_assert_cmpuint(notes->ends, ==, 0);
	g_assert_cmpuint(g_hash_table_size(notes->away), ==, 4);
	assert_pattern(p.f.process, va, 4, 'a');
	g_assert_cmpuint(notes->refaults, ==, 4);
	g_assert_cmpuint(notes->loads, ==, 8);
	g_assert_cmpuint(g_hash_table_size(notes->away), ==, 0);
	assert_known(&p);
	pressure_end(&p);
	g_assert_cmpuint(alive, ==, 0);
}

/* A page that is unmapped is no more, in memory or away. */
static void test_is_no_more(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	g_assert_cmpint(set_policy(&p, &noting), ==, 0);
	struct notes *notes = notes_of(p.f.machine);
	uint64_t va = map_pattern(p.f.process, ARENA, 4, PRIVATE_ANON, 'a');
	g_assert_cmpint(vm_munmap(p.f.process, va, 2 * PAGE), ==, 0);
	g_assert_cmpuint(notes->ends, ==, 2);
	push_out(&p);
	g_assert_cmpuint(notes->evictions, ==, 2);
	g_assert_cmpint(vm_munmap(p.f.process, va + 2 * PAGE, 2 * PAGE), ==, 0);
	g_assert_cmpuint(notes->losses, ==, 2);
	g_assert_cmpuint(g_hash_table_size(notes->away), ==, 0);
	/* A page that was given up goes for good, though it is evicted. */
	map_pattern(p.f.process, va, 2, PRIVATE_ANON, 'a');
	g_assert_cmpint(vm_madvise(p.f.process, va, 2 * PAGE, MADV_FREE), ==, 0);
	push_out(&p);
	g_assert_cmpuint(notes->ends, ==, 4);
	g_assert_cmpuint(notes->evictions, ==, 2);
	pressure_end(&p);
}

/* A copy is a page of its own; the frame that a single user takes over is not loaded anew. */
static void test_copies(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	uint64_t va = map_pattern(p.f.process, ARENA, 2, PRIVATE_ANON, 'a');
	g_assert_cmpint(set_policy(&p, &noting), ==, 0);
	struct notes *notes = notes_of(p.f.machine);
	g_assert_cmpuint(notes->loads, ==, 2); /* it heard of both when it was set */
	struct vm_process *child = fork_of(p.f.process);
	put(child, va, 'x');
	g_assert_cmpuint(notes->loads, ==, 3);
	put(p.f.process, va, 'y');
	g_assert_cmpuint(notes->loads, ==, 3);
	end(child);
	g_assert_cmpuint(notes->ends, ==, 1);
	assert_known(&p);
	pressure_end(&p);
}

/* --- Setting it ------------------------------------------------------------------------------- */

static void test_set(void)
{
	struct pressure p;

	pressure_begin(&p, &roomy);
	map_pattern(p.f.process, ARENA, 5, PRIVATE_ANON, 'a');
	out_of_memory = true;
	g_assert_cmpint(set_policy(&p, &noting), ==, -ENOMEM);
	out_of_memory = false;
	g_assert_cmpstr(vm_machine_policy(p.f.machine), ==, "clock");
	g_assert_cmpint(set_policy(&p, &noting), ==, 0);
	assert_known(&p);
	/* Set again, it has a state of its own before the old one goes. */
	g_assert_cmpint(set_policy(&p, &noting), ==, 0);
	g_assert_cmpuint(alive, ==, 1);
	assert_known(&p);
	out_of_memory = true;
	g_assert_cmpint(set_policy(&p, &noting), ==, -ENOMEM);
	out_of_memory = false;
	assert_known(&p);
	g_assert_cmpint(vm_machine_set_policy(p.f.machine, "lru"), ==, 0);
	g_assert_cmpuint(alive, ==, 0);
	pressure_end(&p);
}

/* --- Random calls ----------------------------------------------------------------------------- */

enum { STEPS = 2500, SEEDS = 6 };

static void test_random(gconstpointer data)
{
	guint32 seed = GPOINTER_TO_UINT(data);
	struct random_calls calls;
	struct pressure p;

	pressure_begin(&p, &(struct pressure_size){.frames = 10 + 3 * seed,
	                                           .slots = 512,
	                                           .overcommit = VM_OVERCOMMIT_ALWAYS});
	random_calls_begin(&calls, &p, seed);
	g_assert_cmpint(set_policy(&p, &noting), ==, 0);
	struct notes *notes = notes_of(p.f.machine);
	for (int i = 0; i < STEPS; i++) {
		random_call(&calls);
		assert_known(&p);
	}
	assert_sound(p.f.machine);
	g_assert_cmpuint(notes->refaults, >, 0);
	g_assert_cmpuint(notes->losses, >, 0);
	random_calls_end(&calls);
	pressure_end(&p);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_data_func("/policy-pages/comes-back/private", GINT_TO_POINTER(PRIVATE_ANON),
	                     test_comes_back);
	g_test_add_data_func("/policy-pages/comes-back/shared", GINT_TO_POINTER(SHARED_ANON),
	                     test_comes_back);
	g_test_add_data_func("/policy-pages/comes-back/file", NULL, test_comes_back);
	g_test_add_func("/policy-pages/is-no-more", test_is_no_more);
	g_test_add_func("/policy-pages/copies", test_copies);
	g_test_add_func("/policy-pages/set", test_set);
	for (unsigned i = 0; i < SEEDS; i++) {
		g_autofree char *path = g_strdup_printf("/policy-pages/random/%u", i);
		g_test_add_data_func(path, GUINT_TO_POINTER(i), test_random);
	}
	return g_test_run();
}
