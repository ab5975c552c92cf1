/*
 * test_object_merge.c - objects: processes store to a mapped file while others write to it. What
 * both have written stays, byte by byte.
 */
#include "tests/fixture/object_fixture.h"
#include "tests/fixture/pressure.h"
#include "vm/base/lock.h"
#include "vm/cache/flusher.h"
#include "vm/cache/object.h"

#include <sys/stat.h>

static void sync_all(struct vm_fixture *f)
{
	g_assert_cmpint(vm_machine_sync(f->machine), ==, 0);
	assert_sound(f->machine);
}

/* Look at the file, as happens once a second. */
static void look(struct mapped *m)
{
	object_refresh(m->file->object, false);
}

/* --- Bytes of one page ------------------------------------------------------------------------ */

/* Others write a whole page in which a process has stored one byte. */
static void test_one_byte(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, 2 * PAGE, RW, MAP_SHARED);

	put(f->process, A(0) + 10, 'x');
	write_file(m.path, 0, 2 * PAGE, 'n');
	sync_all(f);
	g_assert_cmpint(file_byte(m.path, 9), ==, 'n');
	g_assert_cmpint(file_byte(m.path, 10), ==, 'x');
	g_assert_cmpint(file_byte(m.path, 11), ==, 'n');
	g_assert_cmpint(file_byte(m.path, PAGE - 1), ==, 'n');
	/* The page shows both after the next look. */
	look(&m);
	g_assert_cmpint(get(f->process, A(0) + 9), ==, 'n');
	g_assert_cmpint(get(f->process, A(0) + 10), ==, 'x');
	forget(&m);
}

/* What others write to a page shows although it is dirty, and stays when it is written back. */
static void test_shows_while_dirty(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, PAGE, RW, MAP_SHARED);
	struct vm_process *other = spawn(f);

	put(f->process, A(0) + 10, 'x');
	write_file(m.path, 20, 1, 'n');
	map_file(other, A(0), 1, PROT_READ, MAP_SHARED, m.file, 0);
	g_assert_cmpint(get(other, A(0) + 20), ==, 'n');
	g_assert_cmpint(get(other, A(0) + 10), ==, 'x');
	write_file(m.path, 30, 1, 'o');
	g_assert_cmpint(vm_msync(f->process, A(0), PAGE, MS_INVALIDATE), ==, 0);
	g_assert_cmpint(get(other, A(0) + 30), ==, 'o');
	put(f->process, A(0) + 20, 'y');
	write_file(m.path, 40, 1, 'p');
	look(&m);
	g_assert_cmpint(get(f->process, A(0) + 40), ==, 'p');
	g_assert_cmpint(file_byte(m.path, 10), ==, 'a');
	sync_all(f);
	static const struct {
		uint64_t offset;
		char byte;
	} expected[] = {{9, 'a'}, {10, 'x'}, {20, 'y'}, {30, 'o'}, {40, 'p'}, {41, 'a'}};
	for (size_t i = 0; i < G_N_ELEMENTS(expected); i++)
		g_assert_cmpint(file_byte(m.path, expected[i].offset), ==, expected[i].byte);
	end(other);
	forget(&m);
}

/* A byte that was stored with the value that it had does not bring back the old value. */
static void test_same_value(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, PAGE, RW, MAP_SHARED);

	fill(f->process, A(0), 1, 'a');
	write_file(m.path, 0, 100, 'n');
	sync_all(f);
	g_assert_cmpint(file_byte(m.path, 50), ==, 'n');
	g_assert_cmpint(file_byte(m.path, 150), ==, 'a');
	forget(&m);
}

/* So many pieces that they are not written one by one. */
static void test_many_pieces(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, PAGE, RW, MAP_SHARED);

	for (uint64_t i = 0; i < PAGE; i += 16)
		put(f->process, A(0) + i, 'x');
	write_file(m.path, 0, PAGE, 'n');
	sync_all(f);
	for (uint64_t i = 0; i < PAGE; i++)
		g_assert_cmpint(file_byte(m.path, i), ==, i % 16 == 0 ? 'x' : 'n');
	forget(&m);
}

/* Two machines map one file, and a process of each stores to its own half of each word. */
static void test_two_machines(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, PAGE, RW, MAP_SHARED);
	struct vm_fixture second;

	fixture_setup(&second, NULL);
	map_path(&second, second.process, m.path, O_RDWR, A(0), 1, RW, MAP_SHARED);
	for (int round = 0; round < 20; round++) {
		put(f->process, A(0) + 8, (uint8_t)('A' + round));
		put(second.process, A(0) + 9, (uint8_t)('a' + round));
		sync_all(round % 2 == 0 ? f : &second);
		sync_all(round % 2 == 0 ? &second : f);
		g_assert_cmpint(file_byte(m.path, 8), ==, 'A' + round);
		g_assert_cmpint(file_byte(m.path, 9), ==, 'a' + round);
	}
	fixture_teardown(&second, NULL);
	forget(&m);
}

/* --- The file's end --------------------------------------------------------------------------- */

/* An editor saves a shorter text over the file. */
static void test_saved_shorter(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, PAGE + 1000, RW, MAP_SHARED);

	put(f->process, A(0) + 5, 'x');
	put(f->process, A(0) + 500, 'y');
	put(f->process, A(1), 'z');
	resize_file(m.path, 0);
	write_file(m.path, 0, 100, 'n');
	sync_all(f);
	g_assert_cmpuint(file_size(m.path), ==, 100);
	g_assert_cmpint(file_byte(m.path, 4), ==, 'n');
	g_assert_cmpint(file_byte(m.path, 5), ==, 'x');
	/* What was cut off does not come back when the file grows. */
	look(&m);
	resize_file(m.path, 2 * PAGE);
	put(f->process, A(0) + 6, 'w');
	sync_all(f);
	g_assert_cmpint(file_byte(m.path, 6), ==, 'w');
	g_assert_cmpint(file_byte(m.path, 500), ==, 0);
	g_assert_cmpint(file_byte(m.path, PAGE), ==, 0);
	forget(&m);
}

/* Others append to a file whose last page is dirty. */
static void test_append(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, 10, RW, MAP_SHARED);

	put(f->process, A(0) + 5, 'x');
	write_file(m.path, 10, 100, 'n');
	sync_all(f);
	g_assert_cmpint(file_byte(m.path, 5), ==, 'x');
	g_assert_cmpint(file_byte(m.path, 10), ==, 'n');
	g_assert_cmpint(file_byte(m.path, 109), ==, 'n');
	look(&m);
	g_assert_cmpint(get(f->process, A(0) + 109), ==, 'n');
	forget(&m);
}

/* What was stored past the end does not get into a file that grows afterwards. */
static void test_past_end(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, 10, RW, MAP_SHARED);

	put(f->process, A(0) + 5, 'x');
	put(f->process, A(0) + 50, 'y');
	put(f->process, A(0) + 150, 'y');
	write_file(m.path, 10, 100, 'n');
	resize_file(m.path, 200);
	sync_all(f);
	g_assert_cmpint(file_byte(m.path, 5), ==, 'x');
	g_assert_cmpint(file_byte(m.path, 50), ==, 'n');
	g_assert_cmpint(file_byte(m.path, 150), ==, 0);
	look(&m);
	g_assert_cmpint(get(f->process, A(0) + 150), ==, 0);
	forget(&m);
}

/* What was stored after the file has grown does, though nobody has looked at the file since. */
static void test_grown(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, 10, RW, MAP_SHARED);
	uint8_t bytes[200];

	memset(bytes, 'z', sizeof bytes);
	put(f->process, A(0) + 5, 'x');
	resize_file(m.path, 1000);
	put(f->process, A(0) + 500, 'y');
	/* A store that begins inside the known size and ends behind it. */
	resize_file(m.path, 1100);
	g_assert_cmpint(vm_write(f->process, A(0) + 900, bytes, sizeof bytes), ==, sizeof bytes);
	sync_all(f);
	g_assert_cmpint(file_byte(m.path, 5), ==, 'x');
	g_assert_cmpint(file_byte(m.path, 500), ==, 'y');
	g_assert_cmpint(file_byte(m.path, 900), ==, 'z');
	g_assert_cmpint(file_byte(m.path, 1099), ==, 'z');
	/* The same for a page that is clean and mapped. */
	resize_file(m.path, 2000);
	put(f->process, A(0) + 1999, 'w');
	sync_all(f);
	g_assert_cmpint(file_byte(m.path, 1999), ==, 'w');
	g_assert_cmpuint(file_size(m.path), ==, 2000);
	forget(&m);
}

/* The same if somebody has seen the growth, at another page. */
static void test_grown_seen(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, 100, RW, MAP_SHARED);

	map_file(f->process, A(4), 3, RW, MAP_SHARED, m.file, 0);
	put(f->process, A(4) + 50, 'x');
	put(f->process, A(4) + 150, 'z');
	resize_file(m.path, 3 * PAGE);
	g_assert_cmpint(get(f->process, A(6)), ==, 0);
	put(f->process, A(4) + 200, 'y');
	sync_all(f);
	g_assert_cmpint(file_byte(m.path, 50), ==, 'x');
	g_assert_cmpint(file_byte(m.path, 150), ==, 0);
	g_assert_cmpint(file_byte(m.path, 200), ==, 'y');
	forget(&m);
}

/* --- Write-back that fails or meets a store --------------------------------------------------- */

/* The descriptor that writes cannot read. */
static void test_many_pieces_write_only(struct vm_fixture *f, gconstpointer data)
{
	g_autofree char *path = make_file(f, "pieces", PAGE, 'a');
	struct vm_file *write_only = open_file(f, path, O_WRONLY);

	map_path(f, f->process, path, O_RDWR, A(0), 1, RW, MAP_SHARED);
	for (uint64_t i = 0; i < PAGE; i += 16)
		put(f->process, A(0) + i, 'x');
	sync_all(f);
	g_assert_cmpint(file_byte(path, 16), ==, 'x');
	g_assert_cmpint(file_byte(path, 17), ==, 'a');
	vm_file_unref(write_only);
}

/* Half of a page is in the file when a write fails. Then a byte is stored as it was before. */
static void test_stored_back(void)
{
	struct pressure p;

	pressure_begin_file(&p, 8);
	put(p.f.process, SHARED_AT + 10, 'x');
	put(p.f.process, SHARED_AT + 1000, 'y');
	medium_fails(&p, FILE_WRITE, 2, 1, -ENOSPC);
	g_assert_cmpint(msync_all(&p), ==, -ENOSPC);
	g_assert_cmpint(file_byte(p.path, 10), ==, 'x');
	put(p.f.process, SHARED_AT + 10, 'a');
	medium_heals(&p);
	g_assert_cmpint(vm_msync(p.f.process, SHARED_AT, PAGE, MS_INVALIDATE), ==, 0);
	g_assert_cmpint(get(p.f.process, SHARED_AT + 10), ==, 'a');
	g_assert_cmpint(vm_machine_sync(p.f.machine), ==, 0);
	g_assert_cmpint(file_byte(p.path, 10), ==, 'a');
	g_assert_cmpint(file_byte(p.path, 1000), ==, 'y');
	pressure_end(&p);
}

/* The write fails, and others write meanwhile. What was stored is still ours. */
static void test_failed_write(void)
{
	struct pressure p;

	pressure_begin_file(&p, 8);
	put(p.f.process, SHARED_AT + 10, 'x');
	medium_fails(&p, FILE_WRITE, 1, 1, -EIO);
	g_assert_cmpint(msync_all(&p), ==, -EIO);
	write_file(p.path, 0, PAGE, 'n');
	put(p.f.process, SHARED_AT + 20, 'y');
	medium_heals(&p);
	g_assert_cmpint(vm_machine_sync(p.f.machine), ==, 0);
	g_assert_cmpint(file_byte(p.path, 10), ==, 'x');
	g_assert_cmpint(file_byte(p.path, 20), ==, 'y');
	g_assert_cmpint(file_byte(p.path, 30), ==, 'n');
	pressure_end(&p);
}

static void store_and_write(void *ctx)
{
	struct pressure *p = ctx;

	put(p->f.process, SHARED_AT + 10, 'y');
	put(p->f.process, SHARED_AT + 20, 'z');
	write_file(p->path, 30, 1, 'n');
}

/* A store and a write by others meet the write-back of the page. */
static void test_store_meets_write(void)
{
	struct pressure p;

	pressure_begin_file(&p, 8);
	fill(p.f.process, SHARED_AT, 1, 'x');
	medium_calls(&p, FILE_WRITE, store_and_write, &p);
	g_assert_cmpint(msync_all(&p), ==, 0);
	medium_heals(&p);
	assert_sound(p.f.machine);
	g_assert_cmpint(vm_machine_sync(p.f.machine), ==, 0);
	g_assert_cmpint(file_byte(p.path, 10), ==, 'y');
	g_assert_cmpint(file_byte(p.path, 20), ==, 'z');
	/* The other half was written after it. */
	g_assert_cmpint(file_byte(p.path, 30), ==, 'n');
	g_assert_cmpint(file_byte(p.path, 40), ==, 'x');
	pressure_end(&p);
}

/* --- Time stamps that show nothing ------------------------------------------------------------ */

/* Write BYTE to the first page of the file, and let it look as if its times had not changed. */
static void write_unstamped(struct vm_fixture *f, struct mapped *m, char byte, bool settled)
{
	struct vm_object *object = m->file->object;
	struct stat status;

	write_file(m->path, 0, PAGE, byte);
	g_assert_cmpint(stat(m->path, &status), ==, 0);
	machine_lock(f->machine);
	object->mtime = status.st_mtim;
	object->ctime = status.st_ctim;
	object->settled = settled;
	machine_unlock(f->machine);
}

/* A second change within one tick shows at the next fault, and at the look of every second. */
static void test_unsettled(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, PAGE, RW, MAP_SHARED);
	struct vm_process *other = spawn(f);

	flusher_stop(f->machine);
	g_assert_cmpint(get(f->process, A(0)), ==, 'a');
	write_unstamped(f, &m, 'n', false);
	map_file(other, A(0), 1, PROT_READ, MAP_SHARED, m.file, 0);
	g_assert_cmpint(get(other, A(0)), ==, 'n');
	write_unstamped(f, &m, 'o', false);
	look(&m);
	g_assert_cmpint(get(other, A(0)), ==, 'o');
	end(other);
	forget(&m);
}

/* Times that are long past are believed: the pages are not read again. */
static void test_settled(struct vm_fixture *f, gconstpointer data)
{
	struct mapped m = map_new(f, PAGE, RW, MAP_SHARED);

	flusher_stop(f->machine);
	g_assert_cmpint(get(f->process, A(0)), ==, 'a');
	write_unstamped(f, &m, 'n', true);
	look(&m);
	g_assert_cmpint(get(f->process, A(0)), ==, 'a');
	forget(&m);

	struct stat status = {.st_ctim.tv_sec = time(NULL)};
	g_assert_false(object_is_settled(&status));
	status.st_ctim.tv_sec += 1000;
	g_assert_false(object_is_settled(&status));
	status.st_ctim.tv_sec -= 1005;
	g_assert_true(object_is_settled(&status));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	FIXTURE_TEST("/object-merge/one-byte", NULL, test_one_byte);
	FIXTURE_TEST("/object-merge/shows-while-dirty", NULL, test_shows_while_dirty);
	FIXTURE_TEST("/object-merge/same-value", NULL, test_same_value);
	FIXTURE_TEST("/object-merge/many-pieces", NULL, test_many_pieces);
	FIXTURE_TEST("/object-merge/two-machines", NULL, test_two_machines);
	FIXTURE_TEST("/object-merge/saved-shorter", NULL, test_saved_shorter);
	FIXTURE_TEST("/object-merge/append", NULL, test_append);
	FIXTURE_TEST("/object-merge/past-end", NULL, test_past_end);
	FIXTURE_TEST("/object-merge/grown", NULL, test_grown);
	FIXTURE_TEST("/object-merge/grown-seen", NULL, test_grown_seen);
	FIXTURE_TEST("/object-merge/many-pieces-write-only", NULL, test_many_pieces_write_only);
	g_test_add_func("/object-merge/stored-back", test_stored_back);
	g_test_add_func("/object-merge/failed-write", test_failed_write);
	g_test_add_func("/object-merge/store-meets-write", test_store_meets_write);
	FIXTURE_TEST("/object-merge/unsettled", NULL, test_unsettled);
	FIXTURE_TEST("/object-merge/settled", NULL, test_settled);
	return g_test_run();
}
