/*
 * readme.c - README, the guide inside the mount. The build turns README.in into README_TEXT.
 */
#include "fs/text/render.h"
#include "readme_text.h"

int render_readme(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	g_string_append(out, README_TEXT);
	return 0;
}
