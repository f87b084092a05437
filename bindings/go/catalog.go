package quant

import (
	"context"
	"encoding/json"

	"quant/native"
)

// Catalog is the models on this machine and their variants, each with its recipe and its measured loss. One call at a
// time; several may be open, also in other processes.
type Catalog struct {
	closer
	native native.Catalog
}

// OpenCatalog opens it, and makes it where it does not exist. "" for the path: catalog.db in $QUANT_HOME, else in
// $XDG_DATA_HOME/libquant, else in ~/.local/share/libquant.
func OpenCatalog(path string) (*Catalog, error) {
	if err := checkNames("the path", path); err != nil {
		return nil, err
	}
	c := newCall(nil)
	made := native.CatalogOpen(path, c.outcome)
	if err := c.finish(); err != nil {
		return nil, err
	}
	k := &Catalog{native: made}
	k.h = newHandle(func() { native.DeleteCatalog(made) })
	k.h.one = true
	closeUnreachable(k)
	return k, nil
}

// Variant is a row of the catalog. Measurements that there are none of are NaN.
type Variant struct {
	Name             string // "model:variant".
	Model            string
	Variant          string
	Architecture     string
	Base             string // Name of the variant it was made from, or "".
	Path             string
	FileMissing      bool // The file is not there now.
	Parameters       uint64
	Bytes            uint64
	BitsPerWeight    float64
	Perplexity       float64 // Latest measurement, as are the next four.
	PerplexitySE     float64
	KLDMean          float64
	KLDMeanSE        float64
	Top1             float64
	DecodePerSecond  float64 // Latest on this machine.
	PrefillPerSecond float64
}

// List is all variants of a "model", one "model:variant", or with "" all, ordered by model and size.
func (k *Catalog) List(filter string) ([]Variant, error) {
	var all []Variant
	err := k.do(nil, []string{"the filter", filter}, func(c *call) {
		list := k.native.List(filter, c.outcome)
		if list.Swigcptr() == 0 {
			return
		}
		defer native.DeleteVariantList(list)
		for i := int64(0); i < list.Count(); i++ {
			v := list.At(i, c.outcome)
			all = append(all, variant(v))
			native.DeleteQuant_variant_info(v)
		}
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

func variant(v native.Quant_variant_info) Variant {
	return Variant{
		Name: v.GetName(), Model: v.GetModel(), Variant: v.GetVariant(), Architecture: v.GetArchitecture(),
		Base: v.GetBase(), Path: v.GetPath(), FileMissing: v.GetFile_missing() != 0,
		Parameters: v.GetParameters(), Bytes: v.GetBytes(), BitsPerWeight: v.GetBits_per_weight(),
		Perplexity: v.GetPpl(), PerplexitySE: v.GetPpl_se(), KLDMean: v.GetKld_mean(), KLDMeanSE: v.GetKld_se(),
		Top1: v.GetTop1(), DecodePerSecond: v.GetDecode_per_second(), PrefillPerSecond: v.GetPrefill_per_second(),
	}
}

// Resolve is the path of what a user means: a path that exists, "model:variant" or "model" of the catalog, or a model
// that comes with the library.
func (k *Catalog) Resolve(text string) (path string, err error) {
	err = k.do(nil, []string{"the name", text}, func(c *call) { path = k.native.Resolve(text, c.outcome) })
	return path, err
}

// Import records a model file or folder where it is. "" for the name: from the file's name and type. What comes is the
// name it got. Units of progress, which may be nil, are bytes hashed.
func (k *Catalog) Import(ctx context.Context, path, name string, progress ProgressFunc) (got string, err error) {
	err = k.do(ctx, []string{"the path", path, "the name", name}, func(c *call) {
		got = k.native.Import_model(path, name, c.progress(progress), c.outcome)
	})
	return got, err
}

// OutputPath is where a variant of that source and type belongs: a file in the catalog's own folder.
func (k *Catalog) OutputPath(source, typeName string) (path string, err error) {
	err = k.do(nil, []string{"the source", source, "the type", typeName}, func(c *call) {
		path = k.native.Output_path(source, typeName, c.outcome)
	})
	return path, err
}

// AddVariant records the file that a plan has made of a source, with its recipe. What comes is its name.
func (k *Catalog) AddVariant(ctx context.Context, source string, plan *Plan, output string,
	progress ProgressFunc) (got string, err error) {
	if err := plan.h.acquire(); err != nil {
		return "", err
	}
	defer plan.h.release()
	err = k.do(ctx, []string{"the source", source, "the path", output}, func(c *call) {
		got = k.native.Add_variant(source, plan.native, output, c.progress(progress), c.outcome)
	})
	return got, err
}

// Remove removes a variant ("model:variant") or a model with all of them; it tells how many went. Files that the library
// made in its own folder are deleted unless keepFile says otherwise; all others stay.
func (k *Catalog) Remove(name string, keepFile bool) (removed int, err error) {
	err = k.do(nil, []string{"the name", name}, func(c *call) {
		removed = int(k.native.Remove(name, keepFile, c.outcome))
	})
	return removed, err
}

// Show is all that is known of a variant, as JSON.
func (k *Catalog) Show(name string) (json.RawMessage, error) {
	text := ""
	err := k.do(nil, []string{"the name", name}, func(c *call) { text = k.native.Show(name, c.outcome) })
	if err != nil {
		return nil, err
	}
	return json.RawMessage(text), nil
}

// RecordEvaluation records a measurement of a variant against `base`, which may be "". textName is what the text is
// called, such as its file name.
func (k *Catalog) RecordEvaluation(name, base, textName string, measured Evaluation) error {
	return k.do(nil, []string{"the name", name, "the base", base, "the text's name", textName}, func(c *call) {
		result := measured.nativeResult()
		defer native.DeleteQuant_eval_result(result)
		k.native.Record_eval(name, base, textName, result, c.outcome)
	})
}

// do is one call on the catalog.
func (k *Catalog) do(ctx context.Context, names []string, body func(*call)) error {
	if err := checkNames(names...); err != nil {
		return err
	}
	if err := begun(ctx); err != nil {
		return err
	}
	if err := k.h.acquire(); err != nil {
		return err
	}
	defer k.h.release()
	c := newCall(ctx)
	body(c)
	return c.finish()
}
