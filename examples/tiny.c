/* tiny.c - a program with one of each: text, constants, data, bss. It needs no library. */
const char greeting[] = "I am a constant, 32 bytes long.\n";
int counter = 41;
char buffer[8192] __attribute__((aligned(4096)));

static long call(long number, long a, long b, long c)
{
	__asm__ volatile("syscall"
			 : "+a"(number)
			 : "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return number;
}

int main(void)
{
	buffer[0] = (char)++counter;
	return call(1, 1, (long)greeting, sizeof greeting - 1) < 0; /* write */
}

void _start(void)
{
	call(60, main(), 0, 0); /* exit */
}
