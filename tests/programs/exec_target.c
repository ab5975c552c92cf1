/*
 * exec_target.c - a program for the exec tests that has something in each kind of segment. It is
 * linked statically, as a static PIE, and at fixed addresses.
 */
#include <stdio.h>

static const char text[] = "exec target\n";
static int data[600] = {1, 2, 3};
static int bss[5000];
static _Thread_local int tls[10] = {1};

int main(int argc, char **argv)
{
	bss[argc] = data[0] + tls[0];
	fputs(text, stdout);
	return bss[argc] == 2 && argv[argc] == NULL ? 0 : 1;
}
