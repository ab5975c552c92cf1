#include "replay/source.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
	const char *suffix, *program;
} programs[] = {{".xz", "xz"}, {".zst", "zstd"}, {".gz", "gzip"}};

static void set_error(GError **error, const char *what)
{
	int failed = errno;

	g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(failed), "%s: %s", what,
	            g_strerror(failed));
}

/*
 * Let PROGRAM decompress the file, without a shell. It has our standard error: it knows what is
 * wrong with the file.
 */
static bool start_program(struct source *source, const char *program, GError **error)
{
	const char *arguments[] = {program, "-dc", NULL};

	source->file = source->fd;
	source->fd = -1;
	source->command = program;
	return g_spawn_async_with_pipes_and_fds(
	    NULL, arguments, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
	    source->file, -1, -1, NULL, NULL, 0, &source->program, NULL, &source->fd, NULL, error);
}

/* Directories can be opened, and then each read fails: say so at once. */
static bool check_file(struct source *source, GError **error)
{
	struct stat stat;

	if (fstat(source->fd, &stat) != 0) {
		set_error(error, "cannot read it");
		return false;
	}
	if (S_ISREG(stat.st_mode))
		source->size = (uint64_t)stat.st_size;
	if (!S_ISDIR(stat.st_mode))
		return true;
	errno = EISDIR;
	set_error(error, "cannot read it");
	return false;
}

bool source_open(struct source *source, const char *path, GError **error)
{
	*source = (struct source){.fd = -1, .file = -1};
	if (g_str_equal(path, "-")) {
		source->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
		if (source->fd < 0)
			set_error(error, "cannot read standard input");
		return source->fd >= 0;
	}
	source->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (source->fd < 0) {
		set_error(error, "cannot open it");
		return false;
	}
	bool good = check_file(source, error);
	for (size_t i = 0; good && i < G_N_ELEMENTS(programs); i++)
		if (g_str_has_suffix(path, programs[i].suffix)) {
			good = start_program(source, programs[i].program, error);
			break;
		}
	if (!good)
		source_close(source);
	return good;
}

/* Wait for the program. */
static bool reap(struct source *source, GError **error)
{
	int status = 0;

	while (waitpid(source->program, &status, 0) < 0 && errno == EINTR)
		;
	g_spawn_close_pid(source->program);
	source->program = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (WIFEXITED(status))
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s failed with status %d",
		            source->command, WEXITSTATUS(status));
	else
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s was ended by signal %d",
		            source->command, WTERMSIG(status));
	return false;
}

ssize_t source_read(struct source *source, char *bytes, size_t len, GError **error)
{
	ssize_t done;

	do
		done = read(source->fd, bytes, len);
	while (done < 0 && errno == EINTR);
	if (done < 0)
		set_error(error, "cannot read it");
	/* What a program wrote that then failed may end in the middle of a line. */
	if (done == 0 && source->program != 0 && !reap(source, error))
		return -1;
	return done;
}

double source_part(const struct source *source)
{
	off_t at = lseek(source->file >= 0 ? source->file : source->fd, 0, SEEK_CUR);

	return source->size > 0 && at >= 0 ? MIN((double)at / (double)source->size, 1) : -1;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void source_close(struct source *source)
{
	close_fd(source->fd);
	close_fd(source->file);
	/* A program that still writes gets SIGPIPE now. */
	if (source->program != 0)
		reap(source, NULL);
}
