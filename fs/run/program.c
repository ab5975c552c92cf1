/*
 * program.c - programs are found, and held. begin.c has how they begin, exit.c how they end.
 */
#include "fs/run/program.h"
#include "fs/run/run.h"

/* --- References ------------------------------------------------------------------------------- */

struct program *program_ref(struct program *program)
{
	g_atomic_int_inc(&program->refs);
	return program;
}

/* A program that is freed has ended, or nobody knew it: its process has no memory or files. */
void program_unref(struct program *program)
{
	if (!g_atomic_int_dec_and_test(&program->refs))
		return;
	if (program->context != NULL)
		vm_context_free(program->context);
	if (program->place != NULL)
		place_free(program->place);
	call_log_clear(&program->log);
	vm_process_unref(program->process);
	g_free(program);
}

struct program *program_find_locked(struct run *run, pid_t pid)
{
	struct program *program =
	    g_hash_table_lookup(run_programs_locked(run), GINT_TO_POINTER(pid));

	return program != NULL ? program_ref(program) : NULL;
}

/* --- Looking ---------------------------------------------------------------------------------- */

char program_letter(const struct program *program)
{
	switch (program->state) {
	case PROGRAM_STOPPED:
		return 'T';
	case PROGRAM_BLOCKED:
		return 'S';
	case PROGRAM_ENDED:
		return 'Z';
	default:
		return 'R';
	}
}
