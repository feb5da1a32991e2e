import { ZoomIn, ZoomOut } from 'lucide';
import { GlobalWorkerOptions, getDocument, type PDFDocumentProxy } from 'pdfjs-dist';
import workerUrl from 'pdfjs-dist/build/pdf.worker.min.mjs?url';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, fileUrl } from '../api/client.ts';
import { client } from '../api/session.ts';
import type { PreviewProps } from '../drive/viewer.tsx';
import { t } from '../i18n/index.ts';
import { IconButton } from '../ui/button.tsx';
import { Failed, Loading } from '../ui/states.tsx';

const PAGES_AHEAD = '600px';

/**
 * A PDF, drawn by pdf.js: the sandbox that stored files are served in keeps the browser's own viewer out. It fetches the ranges
 * that the pages in sight need. Scripts and forms of the document are not run.
 */
export function PdfPreview({ file }: PreviewProps) {
  const [state, setState] = useState<{ document: PDFDocumentProxy | null; error: unknown }>({ document: null, error: null });
  const [zoom, setZoom] = useState(1);
  const [tries, setTries] = useState(0);
  useEffect(() => {
    GlobalWorkerOptions.workerSrc = workerUrl;
    const opened = { task: null as ReturnType<typeof getDocument> | null, closed: false };
    void (async () => {
      try {
        const token = file.link === undefined ? await client.session.token() : null;
        if (opened.closed) return;
        opened.task = getDocument({
          url: new URL(fileUrl(file), location.href).href,
          ...(file.link === undefined ? { httpHeaders: { Authorization: `Bearer ${token ?? ''}` } } : {}),
          enableXfa: false,
          disableAutoFetch: true,
          useWasm: false,
        });
        const document = await opened.task.promise;
        if (!opened.closed) setState({ document, error: null });
      } catch {
        // Whether the bytes can be had tells a document that pdf.js cannot read from a gateway that is away.
        const broken = new Error(t('viewer.brokenPdf'));
        const error: unknown = await api.bytes(file, { range: 'bytes=0-0' }).then(
          () => broken,
          (reason: unknown) => reason,
        );
        if (!opened.closed) setState({ document: null, error });
      }
    })();
    return () => {
      opened.closed = true;
      void opened.task?.destroy();
    };
  }, [file.key, file.etag, tries]);
  const { document, error } = state;
  if (error !== null) {
    const retry = (): void => {
      setState({ document: null, error: null });
      setTries(tries + 1);
    };
    return <Failed error={error} retry={retry} />;
  }
  if (document === null) return <Loading rows={10} />;
  return (
    <div class="view-pdf">
      <div class="pdf-tools" role="toolbar" aria-label={t('viewer.zoom')}>
        <IconButton icon={ZoomOut} label={t('viewer.smaller')} disabled={zoom <= 0.5} onClick={() => setZoom(zoom / 1.25)} />
        <IconButton icon={ZoomIn} label={t('viewer.larger')} disabled={zoom >= 4} onClick={() => setZoom(zoom * 1.25)} />
        <span class="small muted">{t('viewer.pages', { count: document.numPages })}</span>
      </div>
      <div class="pdf-pages" tabIndex={0} role="region" aria-label={file.name}>
        {Array.from({ length: document.numPages }, (_, index) => (
          <PdfPage key={index} document={document} number={index + 1} zoom={zoom} />
        ))}
      </div>
    </div>
  );
}

/** Drawn when it comes near, and again when the zoom changes. */
function PdfPage({ document, number, zoom }: { document: PDFDocumentProxy; number: number; zoom: number }) {
  const ref = useRef<HTMLCanvasElement>(null);
  const [near, setNear] = useState(number <= 2);
  useEffect(() => {
    const observer = new IntersectionObserver((seen) => seen.some(({ isIntersecting }) => isIntersecting) && setNear(true), {
      rootMargin: PAGES_AHEAD,
    });
    if (ref.current !== null) observer.observe(ref.current);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    const canvas = ref.current;
    if (!near || canvas === null) return;
    const drawing: { cancel: () => void; stopped: boolean } = { cancel: () => undefined, stopped: false };
    void (async () => {
      const page = await document.getPage(number);
      if (drawing.stopped) return;
      const width = Math.min(960, (canvas.parentElement?.clientWidth ?? 800) - 32) * zoom;
      const viewport = page.getViewport({ scale: width / page.getViewport({ scale: 1 }).width });
      const ratio = Math.min(2, devicePixelRatio);
      canvas.width = Math.floor(viewport.width * ratio);
      canvas.height = Math.floor(viewport.height * ratio);
      canvas.style.width = `${Math.floor(viewport.width)}px`;
      canvas.style.height = `${Math.floor(viewport.height)}px`;
      const task = page.render({ canvas, viewport, transform: [ratio, 0, 0, ratio, 0, 0] });
      drawing.cancel = () => task.cancel();
      await task.promise;
    })().catch(() => undefined);
    return () => {
      drawing.stopped = true;
      drawing.cancel();
    };
  }, [near, zoom]);
  return <canvas ref={ref} class="pdf-page" role="img" aria-label={t('viewer.page', { number })} />;
}
