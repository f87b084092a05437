using System;
using System.IO;
using System.Linq;
using System.Reflection;

namespace LibQuant.Tests
{
    /// <summary>Runs the cases and every test, or those whose name has the argument; as many as failed end it with 1.</summary>
    internal static class Program
    {
        private static int passed_, failed_, skipped_;

        private static int Main(string[] args)
        {
            string only = args.Length > 0 ? args[0] : "";
            foreach (Case it in Conformance.Cases())
                if (it.Name.Contains(only)) Run(it.Name, () => Conformance.Run(it));
            foreach (Type type in new[] { typeof(HandleTests), typeof(CallbackTests), typeof(LeakTests) })
                foreach (MethodInfo test in type.GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
                    .Where(one => one.IsAssembly && one.ReturnType == typeof(void) && one.GetParameters().Length == 0))
                    if ((type.Name + "." + test.Name).Contains(only))
                        Run(type.Name + "." + test.Name, () =>
                        {
                            ((Action)Delegate.CreateDelegate(typeof(Action), test))();
                            return true;
                        });
            try { Directory.Delete(Fixture.Scratch, true); }
            catch (IOException) { /* It is in the system's folder for such things. */ }
            Console.WriteLine($"{passed_} passed, {failed_} failed, {skipped_} skipped");
            return failed_ == 0 && passed_ > 0 ? 0 : 1;
        }

        private static void Run(string name, Func<bool> test)
        {
            try
            {
                if (test()) ++passed_;
                else
                {
                    ++skipped_;
                    Console.WriteLine($"skipped: {name}");
                }
            }
            catch (Exception failure)
            {
                ++failed_;
                Console.WriteLine($"FAILED: {name}\n  {failure}");
            }
        }
    }
}
