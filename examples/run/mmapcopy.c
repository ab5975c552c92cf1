/* mmapcopy.c - copies a file to standard output by mmap and write. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int fd = open(argv[argc - 1], O_RDONLY);
	struct stat status;
	char *at;

	if (fd < 0 || fstat(fd, &status) != 0)
		return 1;
	at = mmap((void *)0x10000000, status.st_size, PROT_READ,
	          MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		return 1;
	return write(STDOUT_FILENO, at, status.st_size) < 0;
}
