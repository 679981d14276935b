#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Hold include/uapi/iommufd_sva.h against Linux's <linux/iommufd.h>.

  abi.py check                compare, and print TAP
  abi.py dump HEADER          print what a header defines, one fact a line:
                                  struct TAG SIZE
                                  member TAG NAME OFFSET SIZE [us]
                                  enum TAG NAME VALUE
                                  define NAME VALUE

A header's names are found by a small parser; what they are worth is asked of
the compiler ($CC). iommufd-7.3.abi is the dump of Linux 7.3's header: it is
compared on every host, and tells an item that an older <linux/iommufd.h> does
not have yet from one that Linux never had. Beside it the newest header on the
host is compared: $IOMMUFD_H, or the compiler's, or that of installed kernel
headers.
"""

import glob
import os
import re
import shlex
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "../../.."))
OURS = os.path.join(ROOT, "include/uapi/iommufd_sva.h")
BASELINE = os.path.join(HERE, "iommufd-7.3.abi")
CC = shlex.split(os.environ.get("CC") or "cc")
CXX = shlex.split(os.environ.get("CXX") or "c++")

# What Linux has and this project leaves out, and why.
OUT_OF_SCOPE = (
    (r"iommu(fd)?_vfio_ioas(_op)?|IOMMU(FD_CMD)?_VFIO_IOAS\w*",
     "VFIO compatibility of /dev/iommu"),
    (r"iommu_hw_queue_\w+|IOMMU(FD_CMD)?_HW_QUEUE_\w+",
     "queues of NVIDIA's CMDQV"),
    (r"iommu_\w*tegra241_cmdqv", "NVIDIA's CMDQV"),
    (r"iommu_ioas_noiommu_get_pa|IOMMU(FD_CMD)?_IOAS_NOIOMMU_GET_PA",
     "devices without an IOMMU"),
    (r"iommu_hwpt_amd_guest|iommu_hw_info_amd", "AMD's IOMMU"),
)

# What this project has and Linux does not; the rest must be in the baseline.
OWN = re.compile(
    r"iommufd_sva_(device_(bind|attach|detach)|vsid|vsid_map|"
    r"pasid_(table_(alloc|vtd|smmuv3)|grant)|fault_ring(_header|_state)?|hwpt_import|mm_bind|"
    r"vtd_qi_(128|256)|vevent_vtd|hwpt_invalidate\.out_error|"
    r"(device_bind|vsid_map)_flags|pasid_table_type|vtd_qi_error)$|"
    r"IOMMUFD_SVA_(CMD_)?(OWN_BASE|DEVICE_(BIND|ATTACH|DETACH)|VSID_MAP|"
    r"PASID_(TABLE_ALLOC|GRANT)|FAULT_RING|HWPT_IMPORT|MM_BIND)$|"
    r"IOMMUFD_SVA_(NO_PASID|INVALIDATE_VTD_QI|VIOMMU_VTD|VEVENTQ_VTD|FAULT_RING_MAX|"
    r"OPTION_PAGE_RESPONSE_TIMEOUT|HW_CAP_PAGE_REQUESTS)$")

# Values of ours that go into a field whose other values are iommufd's.
IN_SHARED_FIELDS = ("IOMMUFD_SVA_INVALIDATE_VTD_QI", "IOMMUFD_SVA_VIOMMU_VTD",
                    "IOMMUFD_SVA_VEVENTQ_VTD",
                    "IOMMUFD_SVA_OPTION_PAGE_RESPONSE_TIMEOUT",
                    "IOMMUFD_SVA_HW_CAP_PAGE_REQUESTS")


# ---- what a header defines -------------------------------------------------

def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def strip_comments(text):
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.S)


def blocks(text, keyword):
    """Yield (tag, body) of each `keyword [tag] { body };` at file level."""
    for m in re.finditer(r"^%s\s*(\w*)\s*\{" % keyword, text, re.M):
        depth, end = 1, m.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        yield m.group(1), text[m.end():end - 1]


def parse(path):
    """The names a header defines: structs with members, enums, defines."""
    text = strip_comments(read(path)).replace("\\\n", " ")
    structs = {tag: re.findall(r"(\w+)\s*((?:\[\w*\])*)\s*;", body)
               for tag, body in blocks(text, "struct")}
    enums = [(tag or "commands", re.findall(r"(\w+)\s*(?:=[^,]*)?(?:,|$)", body.strip()))
             for tag, body in blocks(text, "enum")]
    defines = re.findall(r"^#define\s+(\w+)[ \t]+\S", text, re.M)
    return structs, enums, defines


def dump_program(path):
    structs, enums, defines = parse(path)
    out = ["#include <stddef.h>", "#include <stdio.h>",
           '#include "%s"' % os.path.abspath(path), "int main(void)", "{"]
    for tag, members in structs.items():
        out.append('printf("struct %s %%zu\\n", sizeof(struct %s));' % (tag, tag))
        for name, array in members:
            m = "((struct %s *)0)->%s" % (tag, name)
            element = m + "[0]" * array.count("[")
            out.append('printf("member %s %s %%zu %%zu %%c\\n", offsetof(struct %s, %s), '
                       "sizeof(%s), (__typeof__(%s))-1 < 1 ? 's' : 'u');"
                       % (tag, name, tag, name, m, element))
    for tag, names in enums:
        for name in names:
            out.append('printf("enum %s %s %%#llx\\n", (unsigned long long)%s);'
                       % (tag, name, name))
    for name in defines:
        out.append('printf("define %s %%#llx\\n", (unsigned long long)%s);' % (name, name))
    return "\n".join(out + ["return 0;", "}", ""])


def dump(path):
    with tempfile.TemporaryDirectory() as tmp:
        source, program = os.path.join(tmp, "dump.c"), os.path.join(tmp, "dump")
        with open(source, "w", encoding="utf-8") as f:
            f.write(dump_program(path))
        subprocess.run(CC + ["-w", "-o", program, source], check=True)
        return subprocess.run([program], check=True, capture_output=True, text=True).stdout


class Abi:
    """Facts of a dump: group -> {item: facts}. A struct and an enum are a group
    each, and so is a define."""

    def __init__(self, text):
        self.groups = {}
        for line in text.splitlines():
            kind, *rest = line.split()
            if kind == "struct":
                self.add("struct " + rest[0], "sizeof", rest[1])
            elif kind == "member":
                self.add("struct " + rest[0], rest[1], " ".join(rest[2:]))
            elif kind == "enum":
                self.add("enum " + rest[0], rest[1], rest[2])
            elif kind == "define":
                self.add("define " + rest[0], rest[0], rest[1])

    def add(self, group, item, facts):
        self.groups.setdefault(group, {})[item] = facts

    def value(self, name):
        for items in self.groups.values():
            if name in items:
                return int(items[name], 0)
        raise KeyError(name)


# ---- comparing -------------------------------------------------------------

class Tap:
    def __init__(self):
        self.number = self.failed = self.skipped = 0

    def result(self, name, faults):
        self.number += 1
        if faults:
            self.failed += 1
        print("%s %d %s" % ("not ok" if faults else "ok", self.number, name))
        for fault in faults:
            print("#   " + fault)

    def skip(self, name, why):
        self.number += 1
        self.skipped += 1
        print("ok %d %s # SKIP %s" % (self.number, name, why))

    def finish(self):
        print("1..%d" % self.number)
        print("# %d passed, %d failed, %d skipped"
              % (self.number - self.failed - self.skipped, self.failed, self.skipped))
        return 1 if self.failed else 0


def our_name(linux):
    """The name that this project gives to one of iommufd's."""
    if linux == "enum iommufd_option":  # C has one name space for tags
        return "enum iommufd_sva_option_id"
    linux = re.sub(r"\biommu(fd)?_", "iommufd_sva_", linux)
    return re.sub(r"\bIOMMU(FD)?_", "IOMMUFD_SVA_", linux)


def out_of_scope(name):
    bare = name.split(" ")[-1]
    return next((why for pattern, why in OUT_OF_SCOPE if re.fullmatch(pattern, bare)), None)


def is_own(name):
    return OWN.match(name.split(" ")[-1]) is not None


def in_scope(abi):
    """The groups and items of a Linux header that we answer for, under our names."""
    groups = {}
    for group, items in abi.groups.items():
        if out_of_scope(group):
            continue
        groups[our_name(group)] = {
            our_name(item): facts for item, facts in items.items() if not out_of_scope(item)}
    return groups


def compare(tap, label, ours, linux, baseline):
    """Everything in linux must be in ours, with the same facts. What only one of
    linux and baseline has is a matter of age, and skipped."""
    for group, items in sorted(linux.items()):
        mine, known = ours.groups.get(group, {}), baseline.get(group, {})
        faults, compared, late = [], 0, []
        for item, facts in items.items():
            if item in mine:
                compared += 1
                if mine[item] != facts:
                    faults.append("%s: %s here, %s in iommufd" % (item, mine[item], facts))
            elif item in known:
                faults.append("%s: missing here" % item)
            else:
                late.append(item)
        if compared or faults:
            tap.result("%s: %s (%d facts)" % (label, group, compared), faults)
        if late:
            tap.skip("%s: %s: %s" % (label, group, ", ".join(late)), "newer than Linux 7.3")
    for group, items in sorted(baseline.items()):
        missing = [item for item in items if item not in linux.get(group, {})]
        if missing:
            what = group if len(missing) == len(items) else group + ": " + ", ".join(missing)
            tap.skip("%s: %s" % (label, what), "older than Linux 7.3, has none")


def check_nothing_invented(tap, ours, baseline):
    """What Linux 7.3 does not have must be in the list of our own."""
    faults = []
    for group, items in ours.groups.items():
        if is_own(group):
            continue
        for item in items:
            name = item if not group.startswith("struct ") else "%s.%s" % (group, item)
            if item not in baseline.get(group, {}) and not is_own(name):
                faults.append("%s: neither iommufd's nor listed as our own" % name)
    tap.result("every name is iommufd's or our own", faults)


def check_own_values(tap, ours):
    """Our values stay where iommufd's future ones will not be."""
    faults = ["%s: below 0x80000000" % name for name in IN_SHARED_FIELDS
              if ours.value(name) < 0x80000000]
    for item, value in ours.groups["enum commands"].items():
        if is_own(item) != (int(value, 0) >= 0xc0):
            faults.append("%s: 0x80 to 0xbf are iommufd's, 0xc0 and up are ours" % item)
    tap.result("our own values meet none of iommufd's", faults)


def check_ioctls(tap, ours):
    """Each command has an ioctl of its name, and no other."""
    faults = []
    kind = ours.value("IOMMUFD_SVA_TYPE")
    for item, value in ours.groups["enum commands"].items():
        if item.endswith("_BASE"):
            continue
        ioctl = item.replace("_CMD_", "_")
        if "define " + ioctl not in ours.groups:
            faults.append("%s: no ioctl" % item)
        elif ours.value(ioctl) != kind << 8 | int(value, 0):
            faults.append("%s: %#x" % (ioctl, ours.value(ioctl)))
    tap.result("every command has its ioctl", faults)


def check_padding(tap, ours):
    """Padding would carry kernel memory out, and differ between ABIs."""
    faults = []
    for group, items in ours.groups.items():
        if not group.startswith("struct "):
            continue
        end, total = 0, int(items["sizeof"])
        for item, facts in items.items():
            if item == "sizeof":
                continue
            offset, size = map(int, facts.split()[:2])
            if offset > end:
                faults.append("%s: hole before %s" % (group, item))
            end = max(end, offset + size)
        if end != total:
            faults.append("%s: %d bytes of padding at the end" % (group, total - end))
    tap.result("no struct has padding", faults)


def check_table(tap, ours):
    """The table in the header's opening comment lists every command by its number."""
    faults = []
    table = {"IOMMUFD_SVA_CMD_" + name: int(nr, 16) for nr, name in
             re.findall(r"^ \* (0x[0-9a-f]{2})  ([A-Z_]+) ", read(OURS), re.M)}
    commands = {item: int(value, 0) for item, value in ours.groups["enum commands"].items()
                if not item.endswith("_BASE")}
    for item in sorted(set(table) | set(commands)):
        if table.get(item) != commands.get(item):
            faults.append("%s: table %s, enum %s" % (item, table.get(item), commands.get(item)))
    tap.result("the opening table lists every command", faults)


# ---- compiling -------------------------------------------------------------

def compile_only(command, source, language):
    p = subprocess.run(command + ["-x", language, "-fsyntax-only", "-"], input=source,
                       capture_output=True, text=True)
    return p.returncode == 0, p.stderr.strip().splitlines()


def check_compiles(tap, linux_header):
    """Alone, and with Linux's header before and after it, in C99 and in C++."""
    strict = ["-pedantic", "-Wall", "-Wextra", "-Werror", "-I", os.path.dirname(OURS)]
    own = "#include <iommufd_sva.h>\n"
    with tempfile.TemporaryDirectory() as tmp:
        # As a system header: its own pedantic warnings are not ours to mend.
        os.mkdir(os.path.join(tmp, "linux"))
        if linux_header:
            os.symlink(linux_header, os.path.join(tmp, "linux/iommufd.h"))
        linux = "#include <linux/iommufd.h>\n"
        for compiler, language, standard in ((CC, "c", "-std=c99"), (CXX, "c++", "-std=c++11")):
            command = compiler + [standard] + strict + ["-isystem", tmp]
            ok, _ = compile_only(compiler, "int x;\n", language)
            for what, source in (("alone", own), ("after iommufd's", linux + own),
                                 ("before iommufd's", own + linux)):
                name = "compiles %s, %s" % (what, standard)
                if not ok:
                    tap.skip(name, "%s does not compile %s here" % (compiler[0], language))
                elif what != "alone" and not linux_header:
                    tap.skip(name, "no <linux/iommufd.h> on this host")
                else:
                    ok_here, errors = compile_only(command, source, language)
                    tap.result(name, [] if ok_here else errors or ["failed"])


def layout_assertions(ours):
    """Every size and offset as an assertion, for compilers whose code cannot run here."""
    out = ["#include <stddef.h>", "#include <iommufd_sva.h>"]
    for group, items in ours.groups.items():
        if not group.startswith("struct "):
            continue
        for item, facts in items.items():
            if item == "sizeof":
                out.append('_Static_assert(sizeof(%s) == %s, "size of %s");'
                           % (group, facts, group))
            else:
                out.append('_Static_assert(offsetof(%s, %s) == %s, "%s in %s");'
                           % (group, item, facts.split()[0], item, group))
    return "\n".join(out) + "\n"


def check_other_abis(tap, ours):
    """A 32-bit program's structs are the kernel's: there is no compat_ioctl."""
    include = ["-I", os.path.dirname(OURS)]
    machine = subprocess.run(CC + ["-dumpmachine"], capture_output=True, text=True).stdout.strip()
    multiarch = ["-idirafter", "/usr/include/x86_64-linux-gnu"]
    for name, command in (
            ("i386", CC + ["-m32"] + multiarch if machine.startswith("x86_64") else None),
            ("arm64", ["aarch64-linux-gnu-gcc"])):
        what = "same layout on %s" % name
        try:
            ok, _ = compile_only(command or ["/nonexistent"],
                                 "#include <stddef.h>\n#include <linux/types.h>\n", "c")
        except OSError:
            ok = False
        if not ok:
            tap.skip(what, "no compiler for %s" % name)
            continue
        ok, errors = compile_only(command + include, layout_assertions(ours), "c")
        tap.result(what, [] if ok else [e for e in errors if "error" in e] or errors)


def newest_linux_header():
    """Path and name of the header to compare with beside the baseline, or None."""
    if os.environ.get("IOMMUFD_H"):
        return os.environ["IOMMUFD_H"], os.path.basename(os.environ["IOMMUFD_H"])
    p = subprocess.run(CC + ["-E", "-"], input="#include <linux/iommufd.h>\n",
                       capture_output=True, text=True)
    found = re.search(r'^# \d+ "([^"]*/linux/iommufd\.h)"', p.stdout, re.M)
    if p.returncode == 0 and found:
        return found.group(1), "<linux/iommufd.h>"
    kernels = glob.glob("/usr/src/linux-headers-*/include/uapi/linux/iommufd.h")
    if not kernels:
        return None
    newest = max(kernels, key=lambda path: [int(n) for n in re.findall(r"\d+", path)])
    return newest, newest.split("/")[3]


def check():
    tap = Tap()
    print("TAP version 13")
    ours = Abi(dump(OURS))
    baseline = in_scope(Abi(read(BASELINE)))
    compare(tap, "Linux 7.3", ours, baseline, baseline)
    check_nothing_invented(tap, ours, baseline)
    check_own_values(tap, ours)
    check_ioctls(tap, ours)
    check_padding(tap, ours)
    check_table(tap, ours)

    header = newest_linux_header()
    if header:
        compare(tap, header[1], ours, in_scope(Abi(dump(header[0]))), baseline)
    else:
        tap.skip("this host's <linux/iommufd.h>", "none on this host; IOMMUFD_H= names one")
    check_compiles(tap, os.path.abspath(header[0]) if header else None)
    check_other_abis(tap, ours)
    return tap.finish()


def main(argv):
    if argv[1:] == ["check"]:
        return check()
    if len(argv) == 3 and argv[1] == "dump":
        sys.stdout.write(dump(argv[2]))
        return 0
    sys.stderr.write(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv))
