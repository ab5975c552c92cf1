"""pages.py MOUNT URL SHOTS - do the pages of MOUNT, which a browser finds at URL, say what the text
files say, and move?

Prints a line for each check: `pass WHAT`, or `fail WHAT: WHY`. Screenshots go to the folder SHOTS.
The mount has the processes that browser.sh makes: 1 is a program, 2 its child, 3 has a hostile
name. A page is looked at in a real browser; all waits have a limit.
"""
import os
import re
import subprocess
import sys
import tempfile

from webdriver import Browser

MOUNT, URL, SHOTS = sys.argv[1:4]
WAY = URL.split(':')[0]
VIEWS = [(1280, 720, 'light'), (1280, 720, 'dark'), (390, 844, 'light'), (390, 844, 'dark')]
PAGES = [('machine', 'index.html'), ('process', '1/index.html'), ('hostile', '3/index.html')]
LOOKS = 'return Number(document.documentElement.getAttribute("data-looks"))'


def check(what, good, why=''):
    print('pass %s' % what if good else 'fail %s: %s' % (what, why), flush=True)


def read(path):
    with open(os.path.join(MOUNT, path), encoding='utf-8', errors='replace') as file:
        return file.read()


def ctl(directory, *words):
    return subprocess.run([os.environ['VASCTL'], os.path.join(MOUNT, directory), *words],
                          capture_output=True, text=True, check=True).stdout


def renewed(browser):
    """Wait for a look that begins after now: the second one from here."""
    looks = browser.run(LOOKS)
    return browser.until('return %s >= %d' % (LOOKS[7:], looks + 2))


def texts(browser, css):
    return browser.run('return Array.from(document.querySelectorAll(arguments[0]),'
                       'n => n.textContent.trim())', css)


# --- The machine ------------------------------------------------------------------------------

def machine(browser):
    browser.open(URL + 'index.html')
    pids = [name for name in os.listdir(MOUNT) if name.isdigit()]
    check(WAY + ': the table has all processes',
          sorted(browser.run('return Array.from(document.querySelectorAll('
                             '"#processes tr[data-pid]"), r => r.dataset.pid)')) == sorted(pids))
    names = texts(browser, '#processes tbody a')
    check(WAY + ': with their names as text',
          names == [read(pid + '/comm').strip() for pid in sorted(pids, key=int)], names)
    used = len([line for line in read('frames').splitlines()[1:] if not line.endswith('free')])
    drawn = len(browser.run('return Array.from(document.querySelectorAll("#frames use[data-p]"),'
                            'r => r.dataset.k)'))
    check(WAY + ': a square for each frame in use', used == drawn, '%d, %d' % (used, drawn))
    hand = read('queue').splitlines()[2].split()[1]
    check(WAY + ': the hand is where queue says',
          hand + ' ' in browser.run('return document.querySelector("#frames").textContent') + ' ')
    seqs = browser.run('return Array.from(document.querySelectorAll("#faults li"),'
                       'n => Number(n.dataset.seq))')
    known = sorted((int(line.split()[0]) for pid in pids
                    for line in read(pid + '/faults').splitlines()), reverse=True)
    check(WAY + ': the last faults, the newest first', seqs and seqs == known[:len(seqs)], seqs)
    check(WAY + ': it renews itself', renewed(browser))


# --- A process --------------------------------------------------------------------------------

def strips(browser):
    """As maps says it: start of each area, and pages."""
    lines = [line.split()[0].split('-') for line in read('1/maps').splitlines()]
    wanted = [[start.lstrip('0'), (int(end, 16) - int(start, 16)) // 4096] for start, end in lines]
    got = browser.run('return Array.from(document.querySelectorAll("#map g.area"),'
                      'g => [g.dataset.k.slice(1), Number(g.dataset.size)])')
    check(WAY + ': a strip for each area of maps, the highest first', got[::-1] == wanted, got)


def squares(browser):
    """As pagetable says it: every page that has an entry, and its frame or slot."""
    wanted = {}
    for line in read('1/pagetable').splitlines():
        words = line.split()
        if words[1] != 'PTE' or line.startswith('f') or words[3] == 'guard':
            continue
        place = re.search(r' (?:pfn=0x([0-9a-f]+)|slot=(\d+))', line)
        number = int(place.group(1), 16) if place.group(1) else int(place.group(2))
        wanted[words[0].lstrip('0')] = '%x' % number
    got = browser.run('return Object.fromEntries(Array.from(document.querySelectorAll('
                      '"#map use[data-e]:not(.s-guard)"), r => [r.dataset.k, r.dataset.f]))')
    check(WAY + ': a square for each page of pagetable', got == wanted,
          sorted(set(got.items()) ^ set(wanted.items()))[:4])
    tables = {word for line in read('1/pagetable').splitlines()
              if line.split()[3] == 'table' and not line.startswith('f')
              for word in line.split() if word.startswith('pfn=')}
    drawn = browser.run('return Array.from(document.querySelectorAll("#tree g.table"),'
                        'g => "pfn=0x" + g.dataset.k.slice(1))')
    check(WAY + ': the tree has each table once', sorted(drawn[1:]) == sorted(tables), drawn)


def walk(browser, address):
    """A click on a page shows its translation as `walk` does."""
    browser.run('document.querySelector("#map use[data-k=\\"" + arguments[0] + "\\"]")'
                '.scrollIntoView({block: "center"})', address)
    browser.click('#map use[data-k="%s"]' % address)
    shown = browser.run('return document.querySelector("#walk pre").textContent').split()
    told = ctl('1', 'walk', '0x' + address).split()
    check(WAY + ': a click on a page walks the tables as walk does', shown == told,
          '%s\n# %s' % (' '.join(shown), ' '.join(told)))


def follow(browser):
    browser.click('#processes tr[data-pid="1"] a')
    check(WAY + ': a click on a process opens its page',
          browser.until('return document.body.className === "process"'))
    strips(browser)
    squares(browser)
    text = read('1/maps')
    stack = next(line.split('-')[0] for line in text.splitlines() if '[stack]' in line)
    ctl('1', 'access', 'r', '0x' + stack)
    check(WAY + ': a fault appears by itself',
          browser.until('return Array.from(document.querySelectorAll("#faults li"))'
                        '.some(n => n.dataset.va === arguments[0])', stack.lstrip('0')))
    check(WAY + ': and what is new is marked',
          browser.until('return document.querySelector("#faults li.fresh, #map use.fresh")'
                        ' !== null'))
    walk(browser, stack.lstrip('0'))
    return stack


def freeze(browser):
    """The key space stops the page; the arrows go through the faults since."""
    browser.press(' ')
    before = texts(browser, '#faults li')
    area = ctl('1', 'mmap', '0', '12K', 'rw-', 'private,anon').strip()
    ctl('1', 'access', 'w', area, '12K')
    check(WAY + ': a frozen page counts the faults since',
          browser.until('return / 3 faults/.test(document.querySelector("#state").textContent)'))
    check(WAY + ': and stays as it was', texts(browser, '#faults li') == before)
    browser.press('\ue014')
    browser.press('\ue014')
    step = texts(browser, '#step')
    check(WAY + ': an arrow steps to the next of them',
          step and '2 of 3' in step[0] and '%x' % (int(area, 16) + 4096) in step[0], step)
    browser.press(' ')
    check(WAY + ': the key again lets it go on',
          browser.until('return document.querySelector("#map use[data-k=\\"" + arguments[0] +'
                        '"\\"]") !== null', area[2:]))
    return area


def changes(browser, area):
    """A look that was kept is compared with the present."""
    shared = browser.run('return document.querySelector("#map use.s-cow[data-k]").dataset.k')
    browser.press('k')
    browser.press('c')
    ctl('1', 'sbrk', '16K')
    ctl('1', 'access', 'w', '0x' + shared)
    other = ctl('1', 'mmap', '0x30000000', '8K', 'rw-', 'private,anon,fixed').strip()
    ctl('1', 'access', 'w', other)
    ctl('1', 'munmap', area, '12K')
    ctl('1', 'mremap', other, '8K', '16K')
    for what, pattern in (('areas that came', 'area came: 30000000'),
                          ('areas that went', 'area went: '),
                          ('areas that grew', 'area grew by 4 pages: '),
                          ('pages that were copied', '1 page copied: ' + shared),
                          ('pages that came', '1 page came: '),
                          ('pages that went', '3 pages went: ')):
        check(WAY + ': show changes names ' + what,
              browser.until('return document.querySelector("#changes").textContent'
                            '.includes(arguments[0])', pattern),
              texts(browser, '#changes'))
    ctl('', 'reclaim', '4')
    check(WAY + ': and pages that were evicted',
          browser.until('return / pages? evicted: /.test('
                        'document.querySelector("#changes").textContent)'),
          texts(browser, '#changes'))
    browser.press('c')


def quiet(browser, name):
    # A picture cannot say that it has no icon.
    complaints = [line for line in browser.complaints() if '/favicon.ico' not in line]
    check('%s: %s: the console has no error' % (WAY, name), not complaints, complaints)


def colours(browser):
    """What a square looks like: a full one has its colour, a hollow one that of the page."""
    for state, colour, place in (('dirty', 'dirty', 1.5), ('cow', 'cow', 1),
                                 ('untouched', 'paper', 4)):
        where = browser.run(
            'const use = document.querySelector("#map use.s-" + arguments[0]);'
            'use.scrollIntoView({block: "center"});'
            'const box = use.getBoundingClientRect();'
            'return [box.x + scrollX, box.y + scrollY];', state)
        wanted = browser.run('return getComputedStyle(document.documentElement)'
                             '.getPropertyValue("--" + arguments[0]).trim()', colour)
        got = '#%02x%02x%02x' % browser.pixel(where[0] + place, where[1] + place)
        check('%s: the colour of %s' % (WAY, state), got == wanted, '%s, %s' % (got, wanted))


# --- What it looks like -----------------------------------------------------------------------

def fits(browser):
    """The page is no wider than the view, and no text of the page leaves its box."""
    return browser.run('return document.documentElement.scrollWidth <= innerWidth')


def looks(browser):
    for width, height, scheme in VIEWS:
        browser.view(width, height, scheme)
        # From a server they look the same: there only whether they work.
        for name, page in PAGES if WAY == 'file' else PAGES[1:2]:
            browser.open(URL + page)
            if scheme == 'light':
                browser.until(LOOKS + ' > 0')
            view = '%s-%s-%dx%d-%s' % (WAY, name, width, height, scheme)
            browser.screenshot(os.path.join(SHOTS, view + '.png'))
            check(view + ' fits', fits(browser))
            if name == 'process' and width > 1000:
                colours(browser)
            quiet(browser, view)
    browser.view(1280, 720, 'light')
    browser.open(URL + '1/index.html')
    browser.screenshot(os.path.join(SHOTS, WAY + '-process-whole.png'), whole=True)
    for picture in ('frames.svg', '1/map.svg', '1/pagetable.svg'):
        browser.open(URL + picture)
        check('%s: %s is a picture' % (WAY, picture), browser.run(
            'return document.documentElement.nodeName === "svg" &&'
            'getComputedStyle(document.querySelector(".paper")).fill !== ""'))
        browser.screenshot(os.path.join(SHOTS, WAY + '-' + picture.replace('/', '-') + '.png'))
        quiet(browser, picture)


def ended(browser):
    """Whose process ends says so."""
    browser.open(URL + '3/index.html')
    browser.until(LOOKS + ' > 0')
    ctl('3', 'exit')
    check(WAY + ': the page of a process that ended says so',
          browser.until('return document.querySelector("#state").textContent'
                        '.startsWith("no answer")'))


def main():
    with tempfile.TemporaryDirectory() as folder, Browser(folder) as browser:
        browser.view(1280, 720, 'light')
        machine(browser)
        follow(browser)
        changes(browser, freeze(browser))
        quiet(browser, 'all of this')
        looks(browser)
        if WAY == 'http':
            ended(browser)


main()
