/*
 * calltext.c - see calltext.h. Each letter of a format has a function here, or a table of names in
 * callnames.c.
 *
 * Lines are short whatever a program does: strings are cut, as strace cuts them, and so are paths,
 * vectors and sets.
 */
#include "fs/run/calltext.h"

#include "fs/run/callnames.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

enum {
	BYTES_SHOWN = 32,  /* of a string or of bytes */
	PATH_SHOWN = 256,  /* strace shows a path as a whole */
	VECTOR_SHOWN = 32, /* strings of a vector */
	VECTOR_COUNTED = 4096,
	ARGUMENTS = 6,
};

/* One argument on its way into the text. */
struct argument {
	GString *out;
	const struct call *call;
	int index;
	uint64_t value;
	int64_t result;
};

/* --- Memory ----------------------------------------------------------------------------------- */

/* Copy up to LEN bytes at VA, also across the borders of areas. Returns how many there are. */
static size_t peek(const struct call *call, uint64_t va, void *buf, size_t len)
{
	size_t done = 0, got;

	if (call->process == NULL)
		return 0;
	while (done < len &&
	       (got = vm_peek(call->process, va + done, (char *)buf + done, len - done)) > 0)
		done += got;
	return done;
}

static void add_address(GString *out, uint64_t va)
{
	if (va == 0)
		g_string_append(out, "NULL");
	else
		g_string_append_printf(out, "%#" PRIx64, va);
}

/* As C writes it, in as few characters as can be. */
static void add_quoted(GString *out, const char *bytes, size_t len)
{
	static const char special[] = "\t\n\v\f\r\"\\", letters[] = "tnvfr\"\\";

	g_string_append_c(out, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];
		const char *found = c != 0 ? strchr(special, c) : NULL;
		bool digit = i + 1 < len && g_ascii_isdigit(bytes[i + 1]);

		if (found != NULL)
			g_string_append_printf(out, "\\%c", letters[found - special]);
		else if (c >= ' ' && c < 0x7f)
			g_string_append_c(out, (char)c);
		else
			g_string_append_printf(out, digit ? "\\%03o" : "\\%o", c);
	}
	g_string_append_c(out, '"');
}

/* LEN bytes at VA; what is more than BYTES_SHOWN becomes "...". */
static void add_bytes(GString *out, const struct call *call, uint64_t va, uint64_t len)
{
	char bytes[BYTES_SHOWN] = "";
	size_t shown = MIN(len, sizeof(bytes));

	if (va == 0 || peek(call, va, bytes, shown) < shown) {
		add_address(out, va);
		return;
	}
	add_quoted(out, bytes, shown);
	if (shown < len)
		g_string_append(out, "...");
}

/* The string at VA, cut after MOST bytes. */
static void add_string(GString *out, const struct call *call, uint64_t va, size_t most)
{
	char text[PATH_SHOWN + 1];
	size_t got = va != 0 ? peek(call, va, text, most + 1) : 0;
	size_t len = strnlen(text, got);

	if (got == 0 || (len == got && got <= most)) {
		add_address(out, va);
		return;
	}
	add_quoted(out, text, MIN(len, most));
	if (len > most)
		g_string_append(out, "...");
}

/* --- Letters ---------------------------------------------------------------------------------- */

/* Registers have 64 bits, and a negative int may have come as 32 of them. */
static int64_t as_int(uint64_t value)
{
	return value >> 32 == 0 ? (int32_t)value : (int64_t)value;
}

static void add_number(const struct argument *arg)
{
	g_string_append_printf(arg->out, "%" PRId64, as_int(arg->value));
}

static void add_long(const struct argument *arg)
{
	g_string_append_printf(arg->out, "%" PRId64, (int64_t)arg->value);
}

static void add_unsigned(const struct argument *arg)
{
	g_string_append_printf(arg->out, "%" PRIu64, arg->value);
}

static void add_hex(const struct argument *arg)
{
	g_string_append_printf(arg->out, arg->value == 0 ? "0" : "%#" PRIx64, arg->value);
}

static void add_mode(const struct argument *arg)
{
	g_string_append_printf(arg->out, "%#03" PRIo64, arg->value);
}

static void add_pointer(const struct argument *arg)
{
	add_address(arg->out, arg->value);
}

static void add_path(const struct argument *arg)
{
	add_string(arg->out, arg->call, arg->value, PATH_SHOWN);
}

static void add_written(const struct argument *arg)
{
	add_bytes(arg->out, arg->call, arg->value, arg->call->arg[arg->index + 1]);
}

static void add_stored(const struct argument *arg)
{
	if (arg->result < 0)
		add_address(arg->out, arg->value);
	else
		add_bytes(arg->out, arg->call, arg->value, (uint64_t)arg->result);
}

static void add_dirfd(const struct argument *arg)
{
	if ((int32_t)arg->value == AT_FDCWD)
		g_string_append(arg->out, "AT_FDCWD");
	else
		g_string_append_printf(arg->out, "%d", (int32_t)arg->value);
}

static void add_descriptor(const struct argument *arg)
{
	g_string_append_printf(arg->out, "%d", (int32_t)arg->value);
}

static void add_signal_name(GString *out, uint64_t number)
{
	const char *name = number < NSIG ? sigabbrev_np((int)number) : NULL;

	if (name != NULL)
		g_string_append_printf(out, "SIG%s", name);
	else if (number >= 32 && number <= 64)
		g_string_append_printf(out, "SIGRT_%" PRIu64, number - 32);
	else
		g_string_append_printf(out, "%" PRIu64, number);
}

static void add_signal(const struct argument *arg)
{
	add_signal_name(arg->out, arg->value);
}

/* Flags whose lowest bits are the access mode. Behind a descriptor only the others count. */
static void add_open_flags(const struct argument *arg)
{
	bool opens = arg->index > 0 && arg->call->row->format[arg->index - 1] == 's';

	if (opens && (arg->value & O_ACCMODE) == O_RDONLY)
		g_string_append(arg->out, (arg->value & ~(uint64_t)O_ACCMODE) != 0 ? "O_RDONLY|"
		                                                                   : "O_RDONLY");
	if (arg->value != 0 || !opens)
		call_names_add(arg->out, call_names_find('O'), arg->value);
}

static void add_clone_flags(const struct argument *arg)
{
	uint64_t number = arg->value & 0xff, flags = arg->value & ~UINT64_C(0xff);

	if (flags != 0 || number == 0)
		call_names_add(arg->out, call_names_find('C'), flags);
	if (flags != 0 && number != 0)
		g_string_append_c(arg->out, '|');
	if (number != 0)
		add_signal_name(arg->out, number);
}

static void add_vector(const struct argument *arg)
{
	uint64_t va;
	unsigned count = 0;

	/* The environment, the second vector of a call, is only counted. */
	if (arg->value == 0 || peek(arg->call, arg->value, &va, sizeof(va)) < sizeof(va)) {
		add_pointer(arg);
		return;
	}
	g_string_append_c(arg->out, '[');
	for (uint64_t at = arg->value;
	     peek(arg->call, at, &va, sizeof(va)) == sizeof(va) && va != 0;
	     at += sizeof(va), count++) {
		g_string_append(arg->out, count > 0 ? ", " : "");
		if (count == VECTOR_SHOWN) {
			g_string_append(arg->out, "...");
			break;
		}
		add_string(arg->out, arg->call, va, BYTES_SHOWN);
	}
	g_string_append_c(arg->out, ']');
}

static void add_environment(const struct argument *arg)
{
	unsigned count = 0;
	uint64_t va;

	add_pointer(arg);
	while (count < VECTOR_COUNTED &&
	       peek(arg->call, arg->value + count * sizeof(va), &va, sizeof(va)) == sizeof(va) &&
	       va != 0)
		count++;
	if (arg->value != 0)
		g_string_append_printf(arg->out, " /* %u var%s */", count, count == 1 ? "" : "s");
}

static void add_timespec(const struct argument *arg)
{
	int64_t time[2];

	if (arg->value == 0 || peek(arg->call, arg->value, time, sizeof(time)) < sizeof(time))
		add_pointer(arg);
	else
		g_string_append_printf(arg->out, "{tv_sec=%" PRId64 ", tv_nsec=%" PRId64 "}",
		                       time[0], time[1]);
}

static void add_wait_status(const struct argument *arg)
{
	int status;

	if (arg->value == 0 || arg->result <= 0 ||
	    peek(arg->call, arg->value, &status, sizeof(status)) < sizeof(status)) {
		add_pointer(arg);
	} else if (WIFEXITED(status)) {
		g_string_append_printf(arg->out, "[{WIFEXITED(s) && WEXITSTATUS(s) == %d}]",
		                       WEXITSTATUS(status));
	} else if (WIFSTOPPED(status)) {
		g_string_append(arg->out, "[{WIFSTOPPED(s) && WSTOPSIG(s) == ");
		add_signal_name(arg->out, (uint64_t)WSTOPSIG(status));
		g_string_append(arg->out, "}]");
	} else if (WIFSIGNALED(status)) {
		g_string_append(arg->out, "[{WIFSIGNALED(s) && WTERMSIG(s) == ");
		add_signal_name(arg->out, (uint64_t)WTERMSIG(status));
		g_string_append_printf(arg->out, "%s}]",
		                       WCOREDUMP(status) ? " && WCOREDUMP(s)" : "");
	} else {
		g_string_append_printf(arg->out, "[%#x]", status);
	}
}

/* If more than half of the signals are there, those that are missing. */
static void add_sigset(const struct argument *arg)
{
	const char *separator = "";
	uint64_t set;

	if (arg->value == 0 || peek(arg->call, arg->value, &set, sizeof(set)) < sizeof(set)) {
		add_pointer(arg);
		return;
	}
	if (__builtin_popcountll(set) > 32) {
		g_string_append_c(arg->out, '~');
		set = ~set;
	}
	g_string_append_c(arg->out, '[');
	for (int number = 1; number <= 64; number++) {
		const char *name = sigabbrev_np(number);

		if (!(set >> (number - 1) & 1))
			continue;
		if (name != NULL)
			g_string_append_printf(arg->out, "%s%s", separator, name);
		else if (number == 32)
			g_string_append_printf(arg->out, "%sRTMIN", separator);
		else
			g_string_append_printf(arg->out, "%sRT_%d", separator, number - 32);
		separator = " ";
	}
	g_string_append_c(arg->out, ']');
}

/* --- All of a call ---------------------------------------------------------------------------- */

static const struct letter {
	char letter;
	void (*add)(const struct argument *arg);
} letters[] = {
    {'d', add_number}, {'l', add_long},        {'u', add_unsigned},    {'x', add_hex},
    {'o', add_mode},   {'p', add_pointer},     {'s', add_path},        {'b', add_written},
    {'r', add_stored}, {'f', add_descriptor},  {'a', add_dirfd},       {'S', add_signal},
    {'v', add_vector}, {'e', add_environment}, {'t', add_timespec},    {'w', add_wait_status},
    {'K', add_sigset}, {'O', add_open_flags},  {'C', add_clone_flags},
};

static void add_argument(const struct argument *arg, char letter)
{
	const struct call_names *names;

	for (size_t i = 0; i < G_N_ELEMENTS(letters); i++) {
		if (letters[i].letter == letter) {
			letters[i].add(arg);
			return;
		}
	}
	names = call_names_find(letter);
	if (names != NULL)
		call_names_add(arg->out, names, arg->value);
	else
		add_hex(arg);
}

/* Whether the mode at INDEX means nothing: the flags before it make no file. */
static bool is_unused_mode(const struct call *call, const char *format, int index)
{
	return index > 0 && format[index] == 'o' && format[index - 1] == 'O' &&
	       !(call->arg[index - 1] & O_CREAT) && (call->arg[index - 1] & O_TMPFILE) != O_TMPFILE;
}

void call_text_arguments(GString *out, const struct call *call, int64_t result)
{
	const char *format = call->row != NULL ? call->row->format : "xxxxxx";

	if (call->row != NULL)
		g_string_append(out, call->row->name);
	else
		g_string_append_printf(out, "syscall_%#" PRIx64, call->number);
	g_string_append_c(out, '(');
	for (int i = 0; i < ARGUMENTS && format[i] != '\0' && format[i] != ':'; i++) {
		const struct argument arg = {out, call, i, call->arg[i], result};

		if (is_unused_mode(call, format, i))
			break;
		g_string_append(out, i > 0 ? ", " : "");
		if (call->row != NULL)
			add_argument(&arg, format[i]);
		else
			g_string_append_printf(out, "0x%" PRIx64, call->arg[i]);
	}
	g_string_append_c(out, ')');
}

/* Whether CALL, which answered RESULT, does not return to its caller. */
static bool is_last(const struct call *call)
{
	return call->row != NULL && g_str_has_prefix(call->row->name, "exit");
}

static const char *restart_name(int64_t result)
{
	switch (-result) {
	case ERESTARTSYS:
		return "ERESTARTSYS (To be restarted if SA_RESTART is set)";
	case ERESTARTNOINTR:
		return "ERESTARTNOINTR (To be restarted)";
	case ERESTARTNOHAND:
		return "ERESTARTNOHAND (To be restarted if no handler)";
	case ERESTART_RESTARTBLOCK:
		return "ERESTART_RESTARTBLOCK (Interrupted by signal)";
	default:
		return NULL;
	}
}

void call_text_result(GString *out, const struct call *call, int64_t result)
{
	const char *format = call->row != NULL ? strchr(call->row->format, ':') : NULL;

	if (is_last(call) || result == CALL_SLEEPS)
		g_string_append_c(out, '?');
	else if (result == CALL_REGS_SET)
		g_string_append_c(out, '0');
	else if (restart_name(result) != NULL)
		g_string_append_printf(out, "? %s", restart_name(result));
	else if (result < 0 && strerrorname_np((int)-result) != NULL)
		g_string_append_printf(out, "-1 %s (%s)", strerrorname_np((int)-result),
		                       strerrordesc_np((int)-result));
	else if (format != NULL && format[1] == 'p')
		g_string_append_printf(out, "%#" PRIx64, (uint64_t)result);
	else
		g_string_append_printf(out, "%" PRId64, result);
}
